"""Writes templates.json: what jinja2, set up as transformers' apply_chat_template does it, makes of chat templates.

The templates are ours. Each uses what the published ones of a family use. With a folder as argument, writes
real/templates.json in addition: the same of the published templates there (*.jinja, and tokenizer_config.json in
tokenizer-* folders), as SHA-256 of the results, so that no template's text is in this repository.

    pip install transformers jinja2
    python tests/gold/make_templates.py [FOLDER]
"""
import datetime
import hashlib
import json
import pathlib
import re
import sys

import transformers.utils.chat_template_utils as reference

HERE = pathlib.Path(__file__).parent
BOS, EOS = "<s>", "</s>"


class Today(datetime.datetime):
    """The one day that Shiftlens knows."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26)


reference.datetime = Today

CONVERSATIONS = {
    "user": [["user", "Hello there."]],
    "system and user": [["system", "Be brief."], ["user", "Hello"]],
    "three turns": [["user", "Hello"], ["assistant", "Hi!"], ["user", "Name a fox."]],
    "four turns": [["system", "Be brief."], ["user", "Hello"], ["assistant", "Hi!"], ["user", "Name a fox."]],
    "empty": [["user", ""]],
    "empty system": [["system", ""], ["user", "Hi"]],
    "all empty": [["system", ""], ["user", ""], ["assistant", ""], ["user", ""]],
    "blank": [["user", "  \n "]],
    "white space": [["user", "  \n two  words\n\n"]],
    "white space everywhere": [["system", "\n s \n"], ["user", "\n\tu \t"], ["assistant", " a\n\n"], ["user", " more\n"]],
    "other white space": [["user", "\u00a0\u2003x\u3000\u0085y\u200b\ufeff"]],
    "separators": [["user", "\x1c\x1d a \x1f\x0b\x0c"]],
    "line ends": [["user", "a\r\nb\r\n"]],
    "template syntax": [["user", "{{ 7 * 7 }} {% raw %} {# c #} {% endraw %} {% generation %}"]],
    "special tokens": [["system", "Say <|im_end|> once."], ["user", "<|im_start|>assistant\n<s>[INST] </s> <|eot_id|>"]],
    "markup": [["user", "<b>\"a\" & 'b'</b> \\n"]],
    "scripts": [["system", "Réponds — 日本語"], ["user", "🦊👩‍👩‍👧 ẞ İ ﬃ"]],
    "two users": [["user", "Hi"], ["user", "Hi"]],
    "two answers": [["user", "Hi"], ["assistant", "Hi"], ["assistant", "Hi"], ["user", "Hi"]],
    "answer first": [["assistant", "Hello"], ["user", "Hi"]],
    "late system": [["user", "Hi"], ["system", "Be brief."], ["user", "Hi"]],
    "the same four times": [["system", "Hi"], ["user", "Hi"], ["assistant", "Hi"], ["user", "Hi"]],
    "the template's words": [["system", "user"], ["user", "assistant"], ["assistant", "\n"], ["user", "system\nuser"]],
    "thinking": [["user", "Why?"], ["assistant", "<think>\nLet me see.\n</think>\n\nBecause."], ["user", "And?"]],
    "thinking twice": [
        ["user", "Why?"],
        ["assistant", "<think>\na\n</think>\n\nb"],
        ["user", "And </think> so?"],
        ["assistant", "<think>\nq\n</think>\n\nr"],
        ["user", "ok"],
    ],
    "no thinking": [["system", "Be brief. /no_think"], ["user", "Hi /no_think"], ["assistant", "ok"], ["user", "more"]],
    "many turns": [["system", "Be exact."]]
    + [["assistant" if i % 2 else "user", f"Turn {i}: " + "one two three " * 8] for i in range(15)],
}

# What a template can look for in a text; the rest of a text can be exchanged without it noticing.
LOOKED_FOR = re.compile(r"</?think>|/no_think|<\|?\w+\|?>", re.ASCII)


def rendered(source, turns):
    """The text, or a refusal's words."""
    template = reference._compile_jinja_template(source)
    messages = [{"role": role, "content": text} for role, text in turns]
    tokens = {"bos_token": BOS, "eos_token": EOS}
    return template.render(messages=messages, tools=None, documents=None, add_generation_prompt=True, **tokens)


def places(source, turns, whole):
    """Where the turns' texts are: a list of [turn, its byte, byte of the whole, bytes], in each turn's order; the turns that
    are left out or repeated; and whether the list is all there is to find. None if other texts change more than themselves.

    Every character is exchanged for one that occurs nowhere else, but for blank ones and what templates look for."""
    found, lost, all_found = [], [], True
    for turn, (role, text) in enumerate(turns):
        again = lambda other: rendered(source, turns[:turn] + [[role, other]] + turns[turn + 1 :])
        looked_for = {i for m in LOOKED_FOR.finditer(text) for i in range(*m.span())}
        fixed = looked_for | {i for i, c in enumerate(text) if c.isspace()}
        exchanged = again("".join(c if i in fixed else chr(0xF0000 + i) for i, c in enumerate(text)))
        if len(exchanged) != len(whole):
            return None
        all_found &= not looked_for
        seen = {i: [k for k, c in enumerate(exchanged) if c == chr(0xF0000 + i)] for i in range(len(text)) if i not in fixed}
        if any(len(ks) > 1 for ks in seen.values()) or (text.strip() and not any(seen.values()) and whole.count(text.strip()) != 1):
            lost.append(turn)
            continue
        at = {i: ks[0] for i, ks in seen.items() if ks}
        assert all(whole[k] == text[i] for i, k in at.items())
        # a blank between two that are found is there if it stands between them in the whole, too
        for i, j in zip(sorted(at), sorted(at)[1:]):
            if text[i:j] == whole[at[i] : at[j]]:
                at |= {k: at[i] + k - i for k in range(i, j)}
        # a blank at an edge is there if the whole grows with it
        for step, edge in ((-1, min(at, default=0)), (1, max(at, default=0))) if at else ():
            i = edge + step
            while 0 <= i < len(text) and text[i].isspace():
                if len(again(text[:i] + text[i] + text[i:])) > len(whole):
                    at |= {k: at[edge] + k - edge for k in range(min(i, edge), max(i, edge))} | {i: at[edge] + i - edge}
                i += step
        for i, k in sorted(at.items()):
            byte, place, size = len(text[:i].encode()), len(whole[:k].encode()), len(text[i].encode())
            if found and found[-1][0] == turn and [found[-1][1] + found[-1][3], found[-1][2] + found[-1][3]] == [byte, place]:
                found[-1][3] += size
            else:
                found.append([turn, byte, place, size])
    return {"parts": found, "lost": lost, "all": all_found}


def case(source, turns):
    try:
        text = rendered(source, turns)
    except reference.jinja2.exceptions.TemplateError as e:
        if type(e) is reference.jinja2.exceptions.TemplateError:
            return {"refusal": str(e)}
        return {"broken": type(e).__name__}
    except TypeError as e:
        return {"broken": type(e).__name__}
    return {"text": text, "own": places(source, turns, text)}


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def hashed(found):
    return {key: sha256(value) if key in ("text", "refusal") else value for key, value in found.items()}


def write(path, value):
    path.write_text(json.dumps(value, separators=(",", ":")) + "\n")


# Of the published ones: the families that Shiftlens reads, and others that need what these do not.
PUBLISHED = re.compile(
    r"SmolLM3|granite-(3.3|4)|meta-llama-Llama-3|Qwen2.5|Qwen3-0.6B|Qwen3.5|QwQ|gemma-2|gemma-4-31B-it.j|Phi|Mistral-Nemo|Mistral-Small|R1-Distill"
    r"|DeepSeek-V3.1|LFM2.5-8B|gpt-oss|Apertus|command-r7b|Apriel-1.5"
)


def own_templates():
    for path in sorted((HERE / "templates").glob("*.jinja")):
        yield path.stem, path.read_text()
    yield "lines, with carriage returns", (HERE / "templates/lines.jinja").read_text().replace("\n", "\r\n")


def real_templates(folder):
    for path in sorted(path for path in folder.glob("templates/*.jinja") if PUBLISHED.search(path.name)):
        yield f"templates/{path.name}", path.open(newline="").read()
    for path in sorted(folder.glob("tokenizer-*/tokenizer_config.json")):
        template = json.loads(path.read_text()).get("chat_template")
        if isinstance(template, str):
            yield f"{path.parent.name}/tokenizer_config.json", template


def main():
    templates = {
        name: {"source": source, "cases": {c: case(source, turns) for c, turns in CONVERSATIONS.items()}}
        for name, source in own_templates()
    }
    write(HERE / "templates.json", {"bos": BOS, "eos": EOS, "conversations": CONVERSATIONS, "templates": templates})
    if len(sys.argv) > 1:
        real = {
            name: {"sha256": sha256(source), "cases": {c: hashed(case(source, turns)) for c, turns in CONVERSATIONS.items()}}
            for name, source in real_templates(pathlib.Path(sys.argv[1]))
        }
        write(HERE / "real" / "templates.json", real)


if __name__ == "__main__":
    main()
