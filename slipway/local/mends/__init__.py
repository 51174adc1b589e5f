"""What moto 5.2.5 lacks or gets wrong, mended; each mend says what it makes good.

``apply`` installs all of them into this process, which must not have served a request yet: moto
reads its tables of URLs once per service.
"""

from slipway.local.mends import (
    accounts,
    alarm_actions,
    alarms,
    answers,
    async_invocation,
    cloudformation,
    cloudwatch,
    data_capture,
    functions,
    image_layers,
    inference_components,
    invocation,
    logs,
    names,
    permissions,
    queues,
    s3,
    sagemaker,
    scaling,
    schedules,
    tagging,
)


def apply(url: str) -> None:
    """Install every mend.

    Parameters
    ----------
    url
        Where this server answers; CloudFormation makes its resources by calling it.
    """
    answers.apply()
    accounts.apply()
    cloudformation.apply(url)
    cloudwatch.apply()
    alarms.apply()
    alarm_actions.apply()
    logs.apply()
    queues.apply()
    s3.apply()
    image_layers.apply(url)
    tagging.apply()
    names.apply()
    permissions.apply()
    sagemaker.apply()
    inference_components.apply()
    scaling.apply(url)
    invocation.apply(url)
    data_capture.apply(url)
    async_invocation.apply(url)
    functions.apply(url)
    schedules.apply(url)
