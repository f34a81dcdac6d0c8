"""The one home of torch and transformers: texts and targets to an encoder's vectors.

`embedded:minilm`, a folder, or a hub name is found and checked (`source`), texts become tokens
(`tokens`) and windows (`windows`), windows become vectors (`encoder`), which are kept on disk
(`cache`). An encoder is trained further in `tuning`, and boiled down to a table of token vectors in
`static`. torch is imported when the first window is read, and never for static vectors.
"""

from pipeline.encoders.encoder import Encoder, open_encoder
from pipeline.encoders.precision import Precision
from pipeline.encoders.source import INSTALL, WEIGHTS, EncoderFiles, find_encoder
from pipeline.encoders.static import PLAIN_PARTS, TARGET_PARTS, token_means
from pipeline.encoders.tokens import EncoderTokenizer, Tokens
from pipeline.encoders.windows import NOWHERE, Window, seen, windows_of

__all__ = [
    "INSTALL",
    "NOWHERE",
    "PLAIN_PARTS",
    "TARGET_PARTS",
    "WEIGHTS",
    "Encoder",
    "EncoderFiles",
    "EncoderTokenizer",
    "Precision",
    "Tokens",
    "Window",
    "find_encoder",
    "open_encoder",
    "seen",
    "token_means",
    "windows_of",
]
