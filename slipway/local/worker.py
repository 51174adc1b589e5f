"""One model server: runs a model's ``inference.py`` as SageMaker's framework containers do.

A program of its own, started by ``runtime``; it must not import the rest of the project. Requests
and answers are frames on stdin and stdout: two lengths, a JSON header, a body.

The contract is that of the SageMaker containers toolkit: ``model_fn``, then either
``transform_fn`` or ``input_fn``, ``predict_fn`` and ``output_fn``, with the scikit-learn
container's defaults. What input_fn does not understand is answered 415, what output_fn cannot
write 406, anything else that is raised 500.
"""

import importlib
import inspect
import io
import json
import os
import struct
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

JSON, CSV, NPY, ANY = "application/json", "text/csv", "application/x-npy", "*/*"
_TEXT = (JSON, CSV)
_LENGTHS = struct.Struct(">II")


class UnsupportedFormatError(Exception):
    """A content type that the default handlers do not have; the containers' name for it."""

    def __init__(self, content_type: str) -> None:
        super().__init__(
            f"Content type {content_type} is not supported by this framework. Implement input_fn "
            "to read the request, or output_fn to write the response, in inference.py."
        )


class Response:
    """An answer with a status of its own; the containers' name for it.

    Parameters
    ----------
    response
        The body.
    status
        The HTTP status.
    mimetype
        The content type.
    """

    def __init__(self, response: str | bytes, status: int = 200, mimetype: str = JSON) -> None:
        self.response = response
        self.status = status
        self.mimetype = mimetype


def provide_container_modules() -> None:
    """Let handlers import what the framework containers have: ``sagemaker_containers``' worker with its Response."""
    for name in ("sagemaker_containers", "sagemaker_containers.beta", "sagemaker_containers.beta.framework"):
        sys.modules.setdefault(name, ModuleType(name))
    worker = ModuleType("sagemaker_containers.beta.framework.worker")
    worker.Response = Response  # type: ignore[attr-defined]
    sys.modules[worker.__name__] = worker
    sys.modules["sagemaker_containers.beta.framework"].worker = worker  # type: ignore[attr-defined]


class RefusedError(Exception):
    """A failure with the status code that the container answers."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def default_input(body: Any, content_type: str) -> Any:  # noqa: ANN401 - any model's data
    """Read a request: an array where NumPy is installed, else lists."""
    if content_type == NPY:
        return _numpy().load(io.BytesIO(body), allow_pickle=False)
    if content_type == JSON:
        data = json.loads(body)
    elif content_type == CSV:
        rows = [line.split(",") for line in body.splitlines() if line.strip()]
        data = [[float(cell) for cell in row] for row in rows]
    else:
        raise UnsupportedFormatError(content_type)
    try:
        numpy = _numpy()
    except ImportError:
        return data
    return numpy.array(data).astype(numpy.float32)


def default_predict(data: Any, model: Any) -> Any:  # noqa: ANN401 - any model's data
    """Ask the model, as scikit-learn's have it."""
    return model.predict(data)


def default_output(prediction: Any, accept: str) -> tuple[Any, str]:  # noqa: ANN401
    """Write a response."""
    if accept == NPY:
        buffer = io.BytesIO()
        _numpy().save(buffer, prediction)
        return buffer.getvalue(), accept
    plain = prediction.tolist() if hasattr(prediction, "tolist") else prediction
    if accept == JSON:
        return json.dumps(plain), accept
    if accept == CSV:
        rows = plain if isinstance(plain, list) else [plain]
        cells = [row if isinstance(row, list) else [row] for row in rows]
        return "\n".join(",".join(str(cell) for cell in row) for row in cells), accept
    raise UnsupportedFormatError(accept)


def _numpy() -> Any:  # noqa: ANN401 - a module that the model's environment may lack
    return importlib.import_module("numpy")


class Server:
    """A loaded model and its handlers.

    Parameters
    ----------
    directory
        The unpacked artifact.
    code
        Where the script is, if it has an archive of its own.
    """

    def __init__(self, directory: Path, code: Path | None = None) -> None:
        module = _user_module(directory, code)
        handlers = {
            name: getattr(module, name, None)
            for name in ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")
        }
        self._transform = handlers["transform_fn"]
        if self._transform and any(handlers[name] for name in ("input_fn", "predict_fn", "output_fn")):
            raise ValueError("Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn")
        if handlers["model_fn"] is None:
            raise NotImplementedError("Please provide a model_fn implementation in inference.py.")
        self._input = handlers["input_fn"] or default_input
        self._predict = handlers["predict_fn"] or default_predict
        self._output = handlers["output_fn"] or default_output
        self._model = _call(handlers["model_fn"], str(directory))

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """Return the response and its content type.

        Raises
        ------
        RefusedError
            With the status that the container would answer.
        """
        content: Any = body.decode() if content_type in _TEXT else body
        if self._transform:
            result = _guarded(500, self._transform, self._model, content, content_type, accept)
        else:
            data = _guarded(415, self._input, content, content_type)
            prediction = _guarded(500, self._predict, data, self._model)
            result = _guarded(406, self._output, prediction, accept)
        produced = accept
        if isinstance(result, Response):
            text = result.response if isinstance(result.response, str) else result.response.decode(errors="replace")
            if result.status >= 400:
                raise RefusedError(result.status, text)
            return text.encode(), result.mimetype
        if isinstance(result, tuple):
            result, produced = result
        if isinstance(result, (bytes, bytearray)):
            return bytes(result), produced
        if isinstance(result, str):
            return result.encode(), produced
        raise RefusedError(
            500,
            f"The response is a {type(result).__name__}; return str, bytes, or a tuple of one of "
            "them and its content type.",
        )


def _user_module(directory: Path, code: Path | None) -> ModuleType:
    program = os.environ.get("SAGEMAKER_PROGRAM", "inference.py")
    for folder in (code,) if code else (directory / "code", directory):
        if (folder / program).is_file():
            # This file's own folder comes first otherwise, and would shadow the model's modules.
            sys.path[0:1] = [str(folder), *({str(directory)} - {str(folder)})]
            return importlib.import_module(Path(program).with_suffix("").as_posix().replace("/", "."))
    if code:
        raise FileNotFoundError(f"The archive in SAGEMAKER_SUBMIT_DIRECTORY has no {program} at its root.")
    raise FileNotFoundError(f"The model artifact has neither code/{program} nor {program}.")


def _call(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - a user's function
    """Call a handler, with an empty context where it takes one more argument."""
    try:
        expected = len(inspect.signature(function).parameters)
    except ValueError:  # built in
        expected = len(arguments)
    extra = (None,) if expected == len(arguments) + 1 else ()
    return function(*arguments, *extra)


def _guarded(unsupported: int, function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
    try:
        return _call(function, *arguments)
    except Exception as error:
        traceback.print_exc()
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if "UnsupportedFormatError" in kinds:
            status = unsupported if unsupported != 500 else 415
        elif "BaseInferenceToolkitError" in kinds:  # the inference toolkit's errors bring theirs
            status = int(getattr(error, "status_code", 500))
        else:
            status = 500
        raise RefusedError(status, str(error) or type(error).__name__) from error


def read(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Read a frame; None at the end of the stream."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    header, body = _LENGTHS.unpack(lengths)
    return json.loads(stream.read(header)), stream.read(body)


def write(stream: BinaryIO, header: dict[str, Any], body: bytes = b"") -> None:
    """Write a frame."""
    encoded = json.dumps(header).encode()
    stream.write(_LENGTHS.pack(len(encoded), len(body)) + encoded + body)
    stream.flush()


def main(directory: Path, code: Path | None = None) -> None:
    """Serve frames until stdin ends."""
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the model prints is its log, and must not get between the frames
    provide_container_modules()
    try:
        server = Server(directory, code)
    except Exception as error:
        traceback.print_exc()
        write(answers, {"status": 500, "message": f"{type(error).__name__}: {error}"})
        raise SystemExit(1) from error
    write(answers, {"status": 200})
    while (frame := read(requests)) is not None:
        header, body = frame
        accept = header["accept"]
        if accept in ("", ANY):
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)
        try:
            result, produced = server.answer(body, header["content_type"] or JSON, accept)
        except RefusedError as error:
            write(answers, {"status": error.status, "message": str(error)})
        except Exception as error:  # noqa: BLE001 - one bad request must not end the server
            traceback.print_exc()
            write(answers, {"status": 500, "message": f"{type(error).__name__}: {error}"})
        else:
            write(answers, {"status": 200, "content_type": produced}, result)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
