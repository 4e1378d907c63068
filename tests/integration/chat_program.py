"""The example's chat with a model that does as it is told: uvicorn chat_program:app

`say WORDS` answers; `hold` answers half, and the rest after POST /release; `fail` breaks after a
word; `hang` never answers a second one, `think` not even the first.
"""

import asyncio
import pathlib
import sys

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "tools" / "hbgate" / "examples"
sys.path.insert(0, str(EXAMPLES))
from fastapi_gateway import create_app  # noqa: E402

released = asyncio.Event()


async def model(message):
    verb, _, words = message.partition(" ")
    if verb == "think":
        await asyncio.Event().wait()
    yield "once "
    if verb == "hold":
        await released.wait()
    elif verb == "fail":
        raise RuntimeError("the model broke")
    elif verb == "hang":
        await asyncio.Event().wait()
    yield words or "upon"


app = create_app(model, first_answer_ms=3_600_000)


@app.post("/release")
async def release():
    released.set()
