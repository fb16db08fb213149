"""Have a plan made: ask the model, check what it wrote, try it, let a human confirm it; ask again so many times.

Leaves hold a ``Planning`` and poll it once a tick; nothing in it waits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ...vlm.questions import Answer, Question
from ..human import Asked
from ..means.asking import Asking, ask
from ..means.differences import bare, differences, question_for
from ..means.effects import named
from ..means.skills import Step, mistakes, refusal
from ..means.understanding import agrees
from ..node import Leaf
from ..rehearsing import RehearsalVerdict, Rehearsing
from ..stop_sign import means_stop
from .finding import ALL, Finding, Found, around, missing, several
from .reading import read_answer
from .rules import Rules
from .sayings import Saying, in_doubt, looser, pointless
from .symbolic import Thought
from .telling import diff, known_state, meant, prompt, short, used
from .tree_form import steps_in, think, tree_mistakes, tree_yaml
from .yaml_text import document, steps_yaml

Ending = Literal["accepted", "ask", "cannot", "refused", "stopped", "unsupported"]
NOBODY = "nobody is there to confirm the plan"


@dataclass(frozen=True)
class Outcome:
    """How planning ended.

    Attributes:
        kind: ``accepted``; ``ask`` and ``cannot`` where the model, or the picture, says so instead; ``refused`` when no
            attempt gave a plan that may be run; ``stopped`` when the human who was to accept it said stop;
            ``unsupported`` when the backend makes no plans.
        words: The reason of a FAILURE; for an accepted plan what it does, on one line.
        steps: The steps of an accepted plan, in the order of the text.
        text: The accepted plan as the YAML text of a tree.
        form: ``steps`` or ``tree``.
        answer: What the model wrote last.
        data: The accepted plan as data, read out of ``answer``, which may have other words around it.
        options: What the question of ``ask`` offers.
    """

    kind: Ending
    words: str
    steps: tuple[Step, ...] = ()
    text: str = ""
    form: Literal["steps", "tree"] = "steps"
    answer: str = ""
    data: object = None
    options: tuple[str, ...] = ()


class Planning:
    """One plan in the making: started when made, polled, dropped.

    Args:
        leaf: Who wants it: asks the model, looks, and tells the trace.
        rules: What the plan must obey.
        instruction: What is to be done.
        tried: What was tried before and why it failed, for the model: texts, or mappings with ``steps`` and ``reason``.
        avoid: Answers, as the model wrote them, that it shall not give again where its backend can see to that.
        told: What the model is told beside that, a line each.

    Attributes:
        doing: What it waits for, in words.
        outcome: How it ended; None before.
    """

    def __init__(
        self,
        leaf: Leaf,
        rules: Rules,
        instruction: str,
        tried: Sequence[object] = (),
        avoid: Sequence[str] = (),
        told: Sequence[str] = (),
    ) -> None:
        self._leaf, self._rules, self._instruction = leaf, rules, instruction
        self._tried, self._avoid, self._more = list(tried), list(avoid), tuple(told)
        self.doing = ""
        self.outcome: Outcome | None = None
        self._attempt = 0
        self._ambiguous: set[str] = set()
        self._clear()
        if instruction.strip():
            self._ask("")
        else:
            self.outcome = Outcome("cannot", "there is no instruction")

    def _clear(self) -> None:
        self._asking: Asking | None = None
        self._finding: Finding | None = None
        self._rehearsing: Rehearsing | None = None
        self._asked: Asked | None = None
        self._rehearsal: dict[str, object] | None = None
        self._answer = Answer("plan")
        self._data: object = None
        self._steps: list[Step] = []
        self._looser: list[str] = []
        self._text = ""
        self._saying: Saying | None = None
        self._paused = 0.0

    def poll(self) -> Outcome | None:
        """Go on as far as it goes without waiting; return how it ended, once it has."""
        while self.outcome is None and self._advance():
            pass
        return self.outcome

    def drop(self) -> None:
        """Break it off: nothing is waited for any more. Idempotent."""
        for one in (self._asking, self._finding, self._rehearsing):
            if one is not None:
                one.drop()
        if self._asked is not None:
            self._asked.withdraw()
        self._asking = self._finding = self._rehearsing = self._asked = None

    def pause(self) -> None:
        """Stop the clock of the human."""
        self._paused = self._leaf.context.now

    def resume(self) -> None:
        """Let the clock of the human go on."""
        if self._asked is not None:
            self._asked.postpone(self._leaf.context.now - self._paused)

    def _ask(self, complaint: str) -> None:
        self._clear()
        self._attempt += 1
        rules, state = self._rules, known_state(self._leaf, Found())
        context = prompt(rules, state, self._tried, complaint, self._more)
        question = Question("plan", self._instruction, schema=rules.schema, context=context, refused=tuple(self._avoid))
        self._asking = ask(self._leaf, question, rules.camera)
        self.doing = f"the plan was refused: {complaint.splitlines()[0]}" if complaint else "waiting for a plan"

    def _advance(self) -> bool:
        """Do what comes next; False when that is to wait."""
        if self._asked is not None:
            return self._confirmed(self._asked)
        if self._rehearsing is not None:
            verdict = self._rehearsing.verdict
            return verdict is not None and self._rehearsed(verdict)
        if self._finding is not None:
            found = self._finding.found
            return found is not None and (self._looked_into if self._saying else self._found)(found)
        if self._asking is not None and self._asking.answer is not None:
            return self._heard(self._asking.answer)
        return False

    def _heard(self, answer: Answer) -> bool:
        """Read an answer, and look for what it names."""
        self._asking, self._answer = None, answer
        if not answer.supported:
            return self._end("unsupported", f"{answer.problem}; planning needs one that does, such as --vlm qwen:DIR")
        data, wrong = read_answer(answer)
        if not wrong and (words := refusal(data)):
            assert isinstance(data, dict)
            saying = Saying.of("cannot" if "cannot" in data else "ask", words)
            if saying.kind == "ask" and (doubt := pointless(words, self._instruction)):
                self._avoid.append(saying.beginning)
                return self._refuse([doubt])
            return self._look_into(saying)
        rules = self._rules
        check = tree_mistakes if rules.form == "tree" else mistakes
        wrong = wrong or check(data, rules.skills, rules.longest)
        if wrong:
            return self._refuse(wrong)
        self._data = data
        if isinstance(data, list):
            self._steps = [Step(skill=step["skill"], args=dict(step.get("args", {}))) for step in data]
            lines = steps_yaml(self._steps, rules.skills)
        else:
            self._steps = [step for _, step in steps_in(data)]
            lines = tree_yaml(data, rules.skills)
        self._text = document(lines, "planned", self._instruction)
        if wrong := self._thought(Found()):
            return self._refuse(wrong)
        things = used(self._steps, rules.skills) if rules.look else []
        forbidden = [thing for never in rules.never for thing in never.things] if things else []
        self._looser = list(dict.fromkeys(filter(None, (looser(words, self._instruction) for words in things))))
        self.doing = f"looking for {', '.join(things)}"
        wary = things and any(need.name == "clear" for s in self._steps for need in rules.skills[s["skill"]].needs)
        self._finding = Finding(
            self._leaf, [*things, *self._looser, *forbidden, *([ALL] if wary else [])], rules.camera
        )
        return True

    def _look_into(self, saying: Saying) -> bool:
        """Look whether what the model says instead of a plan can be so."""
        if not saying.query or not self._rules.look or self._leaf.context.robot is None:
            return self._end(saying.kind, saying.words, saying.options)
        self._saying = saying
        self.doing = f"looking for {saying.query}"
        self._finding = Finding(self._leaf, [saying.query], self._rules.camera)
        return True

    def _looked_into(self, found: Found) -> bool:
        """Send back what the picture contradicts; let a question name what is found."""
        self._finding, saying = None, self._saying
        assert saying is not None
        wrong = saying.contradicted(found, self._instruction)
        if wrong and self._attempt < self._rules.attempts:
            self._avoid.append(saying.beginning)
            return self._refuse([wrong])
        saying = saying.corrected(found, self._instruction)
        return self._end(saying.kind, saying.words, saying.options)

    def _found(self, found: Found) -> bool:
        """Refuse a plan about things that are not there, or that fits several where one is meant."""
        self._finding = None
        rules = self._rules
        places = self._leaf.context.notes.get("places")
        things = used(self._steps, rules.skills) if rules.look else []
        gone = missing(found, things, places if isinstance(places, dict) else {})
        if gone:
            wrong = [f"nothing is found for {words!r}{_why(found, words)}" for words in gone]
            if any(self._is_asked_for(words) for words in gone):
                return self._refuse(wrong, again=True)
            self._avoid += [part for words in gone if (part := json.dumps(words)) not in self._avoid]
            return self._refuse(wrong)
        unclear = several(found, meant(self._steps, rules.skills)) if rules.look else []
        unclear += [words for words in self._looser if len(in_doubt(found, words, self._instruction)) > 1]
        if unclear:
            return self._is_unclear(found, unclear[0])
        if wrong := self._thought(found) or self._checked():
            return self._refuse(wrong)
        return self._try()

    def _is_asked_for(self, words: str) -> bool:
        """Tell whether the instruction itself names a thing, so that another thing would be another task."""
        return named(words) in self._instruction.lower()

    def _is_unclear(self, found: Found, words: str) -> bool:
        things = in_doubt(found, words, self._instruction)
        if len(things) < 2:
            things = list(found.things[named(words)])
        names = tuple(differences(things, around(found)))
        if named(words) in self._ambiguous or self._attempt >= self._rules.attempts:
            return self._end("ask", question_for(words, things, around(found)), names)
        self._ambiguous.add(named(words))
        wrong = f"'the {bare(words)}' could be any of several: {', '.join(names)}; say which, or ask"
        return self._refuse([wrong], again=True)

    def _thought(self, found: Found) -> list[str]:
        """Go through the plan in thought, and say what speaks against it."""
        thought = Thought(self._rules.skills, known_state(self._leaf, found), self._rules.never, found.ids)
        if isinstance(self._data, list):
            for number, step in enumerate(self._steps, 1):
                thought.step(f"step {number}", step["skill"], step["args"])
        else:
            think(thought, self._data)
        return thought.wrong

    def _checked(self) -> list[str]:
        """Have a tree checked as a file is."""
        gardener = self._leaf.context.grow
        if self._rules.form != "tree" or gardener is None:
            return []
        return list(gardener.problems(self._text, self._leaf.path if hasattr(self._leaf, "grown") else ""))

    def _try(self) -> bool:
        """Have the plan tried where somebody can do that."""
        rules, rehearsal = self._rules, self._leaf.context.rehearsal  # a run may overrule the mode
        if rehearsal is None:
            if rules.rehearse != "never":
                note = RehearsalVerdict(True, "nobody can try it here: it was gone through in thought")
                self._rehearsal = note.to_json()
            return self._show()
        plan = self._data if isinstance(self._data, Mapping) else self._steps
        self._rehearsing = rehearsal.start(plan, rules.skills, rules.rehearse)
        if self._rehearsing is None:
            return self._show()  # nobody wants it
        self.doing = "trying the plan"
        return True

    def _rehearsed(self, verdict: RehearsalVerdict) -> bool:
        self._rehearsing = None
        self._rehearsal = verdict.to_json()
        if verdict.ok:
            return self._show()
        return self._refuse([f"{verdict.place or 'the plan'} failed when it was tried: {verdict.reason}"])

    def _show(self) -> bool:
        """Show the plan to the human where one has to accept it."""
        context = self._leaf.context
        if not (self._rules.confirm or context.confirm):
            return self._accept("")
        self.doing = "waiting for a human to confirm the plan"
        shown = f"{self._instruction}\n{context.outline(self._text).rstrip()}\nShall I do this? (yes, or what is wrong)"
        self._asked = Asked(self._leaf, shown, (), "no", self._rules.patience)
        return True

    def _confirmed(self, asked: Asked) -> bool:
        said = asked.answer
        if said is None and asked.late:  # the human said stop
            self._asked = None
            self._tell([asked.over], False, "")
            return self._end("stopped", asked.over)
        if said is None:
            return False
        self._asked = None
        agreed = agrees(said)
        if agreed:
            return self._accept("human")
        if asked.late:
            why = NOBODY if asked.absent else "no human confirmed the plan in time"
            self._tell([why], False, "")
            return self._end("refused", why)
        if means_stop(said):
            self._tell(["the human said stop"], False, "")
            return self._end("stopped", "the human said stop")
        words = " ".join(said.split()).strip(" .!")
        return self._refuse([f"the human refused the plan{f': {words}' if words and agreed is None else ''}"])

    def _accept(self, by: str) -> bool:
        self._tell(None, True, by)
        self._leaf.context.sight[f"plan of {self._leaf.path}"] = self._text
        return self._end("accepted", short(self._steps))

    def _refuse(self, wrong: list[str], again: bool = False) -> bool:
        """Send a plan back, at most so often; ``again`` where the very same one may be right after all."""
        self._tell(wrong, False, "")
        text = self._answer.text
        if text and not again and text not in self._avoid:
            self._avoid.append(text)
        if self._attempt >= self._rules.attempts:
            return self._end("refused", f"no valid plan: {'; '.join(wrong[:4])}")
        self._ask("\n".join(wrong))
        return True

    def _end(
        self,
        kind: Ending,
        words: str,
        options: tuple[str, ...] = (),
    ) -> bool:
        accepted = kind == "accepted"
        if kind in ("ask", "cannot"):
            self._tell([words], False, "")
        self.outcome = Outcome(
            kind,
            words,
            tuple(self._steps) if accepted else (),
            self._text if accepted else "",
            self._rules.form,
            self._answer.text,
            self._data if accepted else None,
            options,
        )
        return False

    def _tell(self, refused: list[str] | None, accepted: bool, confirmed_by: str) -> None:
        """Put a plan, and what became of it, into the trace."""
        context, leaf = self._leaf.context, self._leaf
        before = str(context.sight.get(f"plan of {leaf.path}", ""))
        plan = {"tree": self._data} if self._rules.form == "tree" else {"steps": [dict(step) for step in self._steps]}
        context.emit(
            "plans",
            {
                "path": leaf.path,
                "attempt": self._attempt,
                "instruction": self._instruction,
                "answer": self._answer.text,
                "refused": refused,
                "accepted": accepted,
                **plan,
                "diff": diff(before, self._text) if self._text else [],
                "drawn": context.outline(self._text) if self._text else "",
                "rehearsal": self._rehearsal,
                "confirmed_by": confirmed_by,
            },
        )


def _why(found: Found, words: str) -> str:
    why = found.why.get(named(words), "")
    return f" ({why})" if why else ""
