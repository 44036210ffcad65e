"""Embeds with a sentence-transformers model that was exported to ONNX."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from shared.embedding.onnx_export import OnnxExport, fault
from shared.embedding.onnx_model import INPUT_TYPES, LoadedModel, OnnxModel, open_session, open_tokenizer, unit
from shared.embedding.port import Purpose

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

    from shared.embedding.onnx_model import Floats


class OnnxEmbedding(OnnxModel):
    """The model of a folder; `shared.embedding.onnx_export` has its layout."""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        """Raises `SettingError`."""
        super().__init__(threads)
        self._export = OnnxExport.read(folder)

    @cached_property
    def name(self) -> str:
        """By content, so that a folder may be moved, and other weights in it are another model."""
        return f"onnx:{self._export.digest()}"

    @property
    def dimensions(self) -> int:
        return self._export.dimensions

    @property
    def longest(self) -> int:
        return self._export.longest

    @cached_property
    def languages(self) -> frozenset[str]:
        return self._export.languages_for(self.model().tokenizer.get_vocab_size())

    def _load(self) -> LoadedModel:
        """Raises `SettingError` where the files do not fit each other."""
        export = self._export
        session = self._session()
        tokenizer, cutter = self._tokenizers()
        loaded = LoadedModel(
            tokenizer, cutter, session.run, self._inputs(session), self._output(session), _pad_id(tokenizer)
        )
        width = loaded.states([tokenizer.encode("a").ids]).shape[-1]
        if width != export.dimensions:
            raise fault(export.weights, f"gives vectors of {width} numbers; its pooling names {export.dimensions}")
        return loaded

    def _session(self) -> "InferenceSession":
        try:
            return open_session(self._export.weights, self._threads)
        except Exception as error:  # the runtime has an exception class for each of its own faults
            raise fault(self._export.weights, f"cannot be loaded: {error}") from error

    def _tokenizers(self) -> "tuple[Tokenizer, Tokenizer]":
        path, longest, prompts = self._export.tokenizer, self._export.longest, set(self._export.prompts.values())
        try:
            content = path.read_text("utf-8")
            tokenizer = open_tokenizer(content, longest)
        except Exception as error:  # the library raises plain exceptions
            raise fault(path, f"cannot be read: {error}") from error
        if prompts == {""}:
            return tokenizer, tokenizer
        room = longest - max(len(tokenizer.encode(prompt, add_special_tokens=False).ids) for prompt in prompts)
        if room < longest // 2:
            raise fault(self._export.folder, f"has prompts that leave {room} of {longest} tokens to a text")
        return tokenizer, open_tokenizer(content, room)

    def _inputs(self, session: "InferenceSession") -> dict[str, str]:
        inputs = {found.name: found.type for found in session.get_inputs()}
        for name, kind in inputs.items():
            if name not in INPUT_TYPES or kind not in ("tensor(int64)", "tensor(int32)"):
                raise fault(self._export.weights, f"has the input {name} of {kind}; {', '.join(INPUT_TYPES)} are known")
        if "input_ids" not in inputs:
            raise fault(self._export.weights, "has no input input_ids")
        return inputs

    def _output(self, session: "InferenceSession") -> int:
        """The states of all tokens, by their name, else by their three dimensions."""
        outputs = session.get_outputs()
        names = [found.name for found in outputs]
        for name in ("last_hidden_state", "token_embeddings"):
            if name in names:
                return names.index(name)
        of_tokens = [place for place, found in enumerate(outputs) if len(found.shape) == 3]
        if not of_tokens:
            raise fault(self._export.weights, f"gives {', '.join(names)}, and no states of tokens")
        return of_tokens[0]

    def _prompted(self, text: str, purpose: Purpose) -> str:
        text = self._export.prompts[purpose] + text
        return text.lower() if self._export.lower_case else text

    def _pooled(self, tokens: "Floats") -> "Floats":
        match self._export.pooling:
            case "cls":
                return unit(tokens[0])
            case "lasttoken":
                return unit(tokens[-1])
            case "max":
                return unit(tokens.max(axis=0))
            case "mean":
                return super()._pooled(tokens)


def _pad_id(tokenizer: "Tokenizer") -> int:
    for token in ("[PAD]", "<pad>"):
        if (found := tokenizer.token_to_id(token)) is not None:
            return found
    return 0
