"""Train an encoder on the unlabelled texts of a set's train side, to predict hidden tokens.

python -m benchmarks.masked_language seesaw_doc --root FOLDER/seesaw --to encoders/seesaw-masked

The folder it writes is an encoder for `features.model`. Of the set only the side `train` is read,
each text once.
"""

import argparse
import json
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from benchmarks.accuracy import SETS, config_of, lines_given_as
from pipeline.artifacts import replacing
from pipeline.encoders.encoder import load_network
from pipeline.encoders.source import TOKENIZER, find_encoder
from pipeline.encoders.tokens import EncoderTokenizer

# BERT's own (Devlin et al., 2019, https://arxiv.org/abs/1810.04805): of the tokens to be predicted
# most are hidden, some are another token, some are as they were.
PREDICTED, HIDDEN, ANOTHER = 0.15, 0.8, 0.1
NOT_ASKED = -100


def train_texts(config):
    """Return the texts of the train side, each once."""
    found = {}
    for line in lines_given_as(("train",), config):
        row = json.loads(line)
        found["\n".join(filter(None, [row.get("title"), row["text"]]))] = None
    return list(found)


def windows_of(tokenizer, texts, length):
    """Return the texts' tokens, cut every `length`, with the encoder's frame around each."""
    frame = tokenizer.frame
    room = length - len(frame.before) - len(frame.after_one)
    return [
        [*frame.before, *ids[start : start + room], *frame.after_one]
        for ids in map(tokenizer.ids, texts)
        for start in range(0, len(ids), room)
    ]


def batch_of(windows, tokenizer, draw):
    """Return ids with some of them hidden, what may be looked at, and the tokens asked for."""
    ids = np.full((len(windows), max(map(len, windows))), tokenizer.padding, np.int64)
    seen = np.zeros(ids.shape, np.int64)
    is_text = np.zeros(ids.shape, np.bool_)
    before, after = len(tokenizer.frame.before), len(tokenizer.frame.after_one)
    for row, window in enumerate(windows):
        ids[row, : len(window)] = window
        seen[row, : len(window)] = 1
        is_text[row, before : len(window) - after] = True
    asked = is_text & (draw.random(ids.shape) < PREDICTED)
    gold = np.where(asked, ids, NOT_ASKED)
    how = draw.random(ids.shape)
    (mask,) = tokenizer.mask
    ids = np.where(asked & (how < HIDDEN), mask, ids)
    another = asked & (how >= HIDDEN) & (how < HIDDEN + ANOTHER)
    ids = np.where(another, draw.integers(tokenizer.size, size=ids.shape), ids)
    return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(seen)}, gold


class MaskedLanguage(nn.Module):
    """An encoder, and BERT's head over its own token embeddings; asked tokens alone are scored."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.embeddings = network.get_input_embeddings().weight
        tokens, width = self.embeddings.shape
        self.transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(tokens))

    def forward(self, inputs, gold):
        vectors = self.network(**inputs).last_hidden_state[gold != NOT_ASKED]
        scores = self.transform(vectors) @ self.embeddings.T + self.bias
        return nn.functional.cross_entropy(scores, gold[gold != NOT_ASKED])


def train(model, windows, tokenizer, arguments):
    """Train in place; print the mean loss of each epoch."""
    draw = np.random.default_rng(arguments.seed)
    torch.manual_seed(arguments.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.rate, fused=True)
    steps = arguments.epochs * -(-len(windows) // arguments.batch)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, arguments.rate, total_steps=steps, pct_start=0.1, anneal_strategy="linear"
    )
    model.train()
    for epoch in range(1, arguments.epochs + 1):
        started, losses = time.perf_counter(), []
        order = draw.permutation(len(windows))
        for start in tqdm(range(0, len(order), arguments.batch), disable=None, leave=False):
            rows = [windows[row] for row in order[start : start + arguments.batch]]
            inputs, gold = batch_of(rows, tokenizer, draw)
            loss = model(inputs, torch.from_numpy(gold))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            rate.step()
            losses.append(loss.item())
        seconds = time.perf_counter() - started
        print(f"epoch {epoch}: loss {np.mean(losses):.3f}, {seconds:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=sorted(path.stem for path in SETS.glob("*.yaml")))
    parser.add_argument("--root", type=Path, required=True, help="folder of the set's rows")
    parser.add_argument("--to", type=Path, required=True, help="folder for the encoder")
    parser.add_argument("--model", default="embedded:minilm", help="the encoder to start from")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--length", type=int, default=128, help="tokens of a window")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-4, help="learning rate at its peak")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    files = find_encoder(arguments.model)
    tokenizer = EncoderTokenizer(files.folder)
    texts = train_texts(config_of(arguments.set, "ngrams", arguments.root))
    windows = windows_of(tokenizer, texts, arguments.length)
    print(f"{len(texts):,} texts, {len(windows):,} windows", flush=True)
    model = MaskedLanguage(load_network(files).cpu())
    train(model, windows, tokenizer, arguments)
    with replacing(arguments.to) as folder:
        model.network.save_pretrained(folder)
        shutil.copyfile(files.folder / TOKENIZER, folder / TOKENIZER)


if __name__ == "__main__":
    main()
