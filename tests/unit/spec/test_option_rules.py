"""What an endpoint has once fits together: asynchronous answers, data capture, explanations, metrics, a sample, a budget."""
# ruff: noqa: E501  (a case of a table is one line)

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.spec.endpoints import CHAIN, DIRECT, MANY, asynchronous, real_time

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Look

TOPIC = "arn:aws:sns:eu-west-1:123456789012:answers"
TEXT = "text: {granularity: token, language: en}"
LONG = "x" * 4096


def answers(text: str) -> str:
    return asynchronous(asynchronous=f"{{{text}}}")


def captured(text: str) -> str:
    return real_time(capture=f"{{{text}}}")


def explained(text: str, baseline: str = "baseline: '1,2'") -> str:
    return real_time(explainer=f"{{{', '.join(part for part in (baseline, text) if part)}}}")


def budget(text: str) -> str:
    return real_time(budget=f"{{{text}}}")


#: What is wrong, the endpoint, the key, and what the message says.
WRONG: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # asynchronous answers
    "unknown topic": (answers("success_topic: answers"), "asynchronous.success_topic", ("'answers' is none of `topics`: add it: `topics: [results, answers]`",)),
    "mistyped topic": (answers("error_topic: result"), "asynchronous.error_topic", ("'result' is none of `topics`: did you mean 'results'?",)),
    "topic of two words": (answers("success_topic: my_topic"), "asynchronous.success_topic", ("'my_topic' is not accepted: write the short name of one of `topics`, or the ARN of a topic",)),
    "topic elsewhere": (answers(f"success_topic: '{TOPIC.replace('eu-west-1', 'us-east-1')}'"), "asynchronous.success_topic", ("is a topic in us-east-1, and the endpoint is in eu-west-1: name one there",)),
    "answer to nobody": (answers("error_topic: results, include_response: [error, success]"), "asynchronous.include_response[1]", ("'success' includes the answer in notifications that nobody gets: name a `success_topic`, or leave it out",)),
    "answer twice": (answers("success_topic: results, include_response: [success, success]"), "asynchronous.include_response[1]", ("'success' stands twice in this list",)),
    "no concurrency": (answers("concurrency: 0"), "asynchronous.concurrency", ("0 is out of range: at least 1",)),
    "much concurrency": (answers("concurrency: 1001"), "asynchronous.concurrency", ("1001 is out of range: at most 1000",)),
    "output without a slash": (answers("output: answers"), "asynchronous.output", ("'answers' is not accepted: write a prefix in the model bucket or an s3:// URI, ending in /",)),
    "failures in a pattern": (answers("failures: 's3://bucket/*/'"), "asynchronous.failures", ("is not accepted: write a prefix in the model bucket",)),
    # data capture
    "nothing captured": (captured("what: []"), "capture.what", ("has 0 entries, must have at least 1",)),
    "requests twice": (captured("what: [request, request]"), "capture.what[1]", ("'request' stands twice in this list: keep one of them",)),
    "more than all": (captured("share: 101%"), "capture.share", ("101% is out of range: 0% to 100% (API:SamplingPercentage)",)),
    "half a percent": (captured("share: 0.5%"), "capture.share", ("no multiple of 1%: SageMaker takes whole percents",)),
    "type twice": (captured("csv: [text/csv, text/csv]"), "capture.csv[1]", ("'text/csv' stands twice in this list",)),
    "type of both kinds": (captured("csv: [text/csv], json_types: [text/csv]"), "capture.json_types[0]", ("'text/csv' stands in `csv` too: keep it in one of the two",)),
    "eleven types": (captured(f"csv: [{', '.join(f'text/a{i}' for i in range(11))}]"), "capture.csv", ("has 11 entries, must have at most 10",)),
    "no type": (captured("json_types: [json]"), "capture.json_types[0]", ("'json' is not accepted",)),
    # explanations
    "no baseline": (explained("", baseline="samples: 10"), "explainer.baseline", ("is missing: an explanation compares with a baseline (API:ClarifyShapBaselineConfig); write its records, or the `s3://` URI of them",)),
    "long baseline": (explained("", baseline=f"baseline: '{LONG}x'"), "explainer.baseline", ("has 4097 characters, must have at most 4096",)),
    "baseline in a bucket": (explained("", baseline="baseline: 's3://bucket/'"), "explainer.baseline", ("'s3://bucket/' is no URI of an object with at most 1024 characters (API:Url): write it like s3://a-bucket/baseline.csv",)),
    "long URI of a baseline": (explained("", baseline=f"baseline: 's3://bucket/{'x' * 1013}'"), "explainer.baseline", ("is no URI of an object with at most 1024 characters",)),
    "baseline of another type": (explained("baseline_type: application/json"), "explainer.baseline_type", ("'application/json' is not 'text/csv' or 'application/jsonlines'",)),
    "fewer types than features": (explained(f"input: {{features: [a, b], types: [text]}}, {TEXT}"), "explainer.input.types", ("has 1 entries for 2 `features`: write one for each",)),
    "types without text": (explained("input: {types: [numerical, categorical]}"), "explainer.input.types", ("is for text only, and none of them is `text` (API:ClarifyFeatureTypes): leave it out",)),
    "text of no language": (explained("input: {types: [numerical, text]}"), "explainer.text", ("is missing: text features need a `granularity` and a `language` (API:ClarifyTextConfig), such as `text: {granularity: token, language: en}`",)),
    "unknown language": (explained("text: {granularity: token, language: zz}"), "explainer.text.language", ("'zz' is not 'af', 'sq',",)),
    "unknown granularity": (explained("text: {granularity: word, language: en}"), "explainer.text.granularity", ("'word' is not 'token', 'sentence' or 'paragraph'",)),
    "features out of no template": (explained("input: {features_at: features}"), "explainer.input.content_template", ("is missing: records in JSON Lines, out of which `features_at` takes the features, need one (API:ClarifyContentTemplate)",)),
    "long expression": (explained(f"when: '{'x' * 65}'"), "explainer.when", ("has 65 characters, must have at most 64",)),
    "long name of a feature": (explained(f"input: {{features: [{'x' * 65}]}}"), "explainer.input.features[0]", ("has 65 characters, must have at most 64",)),
    "many features": (explained(f"input: {{features: [{', '.join(f'f{i}' for i in range(257))}]}}"), "explainer.input.features", ("has 257 entries, must have at most 256",)),
    "seventeen labels": (explained(f"input: {{labels: [{', '.join(f'l{i}' for i in range(17))}]}}"), "explainer.input.labels", ("has 17 entries, must have at most 16",)),
    "large request": (explained("input: {most_megabytes: 26}"), "explainer.input.most_megabytes", ("26 is out of range: at most 25",)),
    "large seed": (explained("seed: 2147483648"), "explainer.seed", ("2147483648 is out of range",)),
    # metrics
    "odd interval": (real_time(metrics="{every: 45s}"), "metrics.every", ("45s is no interval at which metrics are published (API:MetricPublishFrequencyInSeconds): write 30s, or another of 10s, 30s, 1m, 2m, 3m, 4m, 5m",)),
    "long interval": (real_time(metrics="{every: 6m}"), "metrics.every", ("write 5m, or another",)),
    # samples
    "sample of no archive": (real_time(model=MANY, sample="{body: x}"), "sample.target", ("is missing: say which archive is asked, as its key reads after the prefix in `models`, such as store-1.tar.gz",)),
    "sample of no container": (real_time(model=DIRECT, sample="{body: x}"), "sample.target", ("is missing: say which container is asked, one of scale, predict",)),
    "sample of another container": (real_time(model=DIRECT, sample="{body: x, target: score}"), "sample.target", ("'score' is no container: write one of scale, predict",)),
    "sample of one model by name": (real_time(sample="{body: x, target: y}"), "sample.target", ("names an archive of a multi-model container or a container of a direct pipeline, and there is neither: remove it",)),
    "sample of a serial container": (real_time(model=CHAIN, sample="{body: x, target: scale}"), "sample.target", ("and there is neither",)),
    # budgets
    "budget of nothing": (budget(""), "budget", ("has neither `daily` nor `monthly`: write one of them, such as `monthly: 500USD`",)),
    "forecast of a day": (budget("daily: 10USD, forecast: true"), "budget.forecast", ("is for `monthly` limits, since a day has no forecast: write `monthly: …` too, or remove `forecast`",)),
    "bare amount": (budget("daily: 10"), "budget.daily", ("10 is not an amount: write it with its unit, like 100USD",)),
    "other money": (budget("daily: 10EUR"), "budget.daily", ("'10EUR' is not an amount: write it like 100USD",)),
    "no money": (budget("daily: 0USD"), "budget.daily", ("0USD is out of range: 1USD to",)),
    "one share twice": (budget("daily: 10USD, notify_at: [80%, 80%]"), "budget.notify_at[1]", ("80% stands twice in this list",)),
    "six shares": (budget("daily: 10USD, notify_at: [10%, 20%, 30%, 40%, 50%, 60%]"), "budget.notify_at", ("has 6 entries, must have at most 5",)),
    "no shares": (budget("daily: 10USD, notify_at: []"), "budget.notify_at", ("has 0 entries, must have at least 1",)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key", "says"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_an_option_is_one_error(look: Look, text: str, key: str, says: tuple[str, ...]) -> None:
    errors = look(text).errors
    assert len(errors) == 1, f"one mistake, one error: {errors}"
    assert errors[0].startswith(f"{key}: "), errors[0]
    for part in says:
        assert part in errors[0]


def test_capturing_nothing_is_a_warning(look: Look) -> None:
    (warning,) = look(captured("share: 0%")).warnings
    assert warning == "capture.share: 0% captures nothing: write more, or `enabled: false` to say so"


@pytest.mark.parametrize(
    "text",
    [
        answers("concurrency: 1000"),
        answers(f"success_topic: results, error_topic: '{TOPIC}', include_response: [success, error]"),
        answers("output: s3://bucket/, failures: a/b/, input: s3://bucket/in/, kms_key: alias/x"),
        captured(""),
        captured("enabled: false, share: 0%"),
        captured("share: 1%, what: [response], csv: [text/csv], json_types: [application/json], destination: s3://bucket/x/"),
        captured(f"csv: [{', '.join(f'text/a{i}' for i in range(10))}]"),
        explained(""),
        explained("", baseline=f"baseline: '{LONG}'"),
        explained("", baseline=f"baseline: 's3://bucket/{'x' * 1012}'"),
        explained("baseline_type: application/jsonlines, samples: 1, seed: -2147483648, logit: true"),
        explained(f"input: {{features: [a, b], types: [text, numerical]}}, {TEXT}"),
        explained(TEXT),
        explained("input: {features_at: features, content_template: '{\"features\":$features}', most_megabytes: 25}"),
        explained(f"when: '{'x' * 64}'"),
        real_time(metrics="{every: 10s, enhanced: true}", alarms="{period: 1m}"),
        real_time(metrics="{every: 5m, detailed: true}"),
        real_time(model=MANY, sample="{body: x, target: store-1.tar.gz}"),
        real_time(model=DIRECT, sample="{body: x, target: predict}"),
        real_time(model=CHAIN, sample="{body: x}"),
        budget("daily: 1USD"),
        budget("monthly: 500USD, forecast: true, notify_at: [50%, 80%, 100%, 150%, 1000%]"),
    ],
)  # fmt: skip
def test_what_an_option_may_say_has_no_finding(look: Look, text: str) -> None:
    found = look(text)
    assert (found.errors, found.warnings) == ((), ())


@pytest.mark.parametrize(
    ("top", "says"),
    [
        ("topics: [results, results]", "topics[1]: 'results' stands twice in this list: keep one of them"),
        ("topics: [alarms]", "topics[0]: 'alarms' is the name of the topic of the alarms: name this one otherwise"),
        (f"topics: [{'a' * 240}]", "topics[0]: the SNS topic's name"),
        ("budget: {}", "budget: has neither `daily` nor `monthly`: write one of them"),
        ("budget: {daily: 1USD, forecast: true}", "budget.forecast: is for `monthly` limits"),
        (f"tags: {{{', '.join(f't{i}: x' for i in range(41))}}}", "tags: with the project's own 10 a resource has 51 tags, at most 50 are allowed (API:TagList): leave 1 out"),
        ("company: a-company-of-24-letters1\nbucket: {studio_upload: true}", "project: the S3 bucket's name 'sagemaker-a-company-of-24-letters1-sm-rc-project-a-dev-eu-west-1' has 64 characters, at most 63 are allowed: shorten company, team, project by 1"),
    ],
)  # fmt: skip
def test_a_mistake_in_what_all_endpoints_share_is_one_error(look: Look, top: str, says: str) -> None:
    (error,) = look(real_time(), top=top).errors
    assert error.startswith(says)


@pytest.mark.parametrize(
    "top",
    [
        f"topics: [{'a' * 239}]",
        f"tags: {{{', '.join(f't{i}: x' for i in range(40))}}}",
        "company: a-company-of-23-letters\nbucket: {studio_upload: true}",
        "budget: {daily: 10USD, monthly: 100USD, forecast: true}",
    ],
)
def test_what_all_endpoints_may_share_has_no_finding(look: Look, top: str) -> None:
    found = look(real_time(), top=top)
    assert (found.errors, found.warnings) == ((), ())


def test_tags_of_endpoint_and_environment_count_together(look: Look) -> None:
    top = f"tags: {{{', '.join(f't{i}: x' for i in range(25))}}}"
    fifteen, one = ", ".join(f"e{i}: x" for i in range(15)), "t0: y"
    assert look(real_time(tags=f"{{{fifteen}, {one}}}"), top=top).errors == ()
    (error,) = look(real_time(tags=f"{{{fifteen}, e15: x}}"), top=top).errors
    assert error.startswith("tags: with the project's own 10 and those of the environment a resource has 51 tags")
