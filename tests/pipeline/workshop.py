"""Where the stages of the test pipeline work: a test tells them what happens there and sees what did."""

from collections.abc import Awaitable, Callable

from msgspec import Struct, field

from shared.stages.stages import StageWork

Happening = Callable[[StageWork], Awaitable[None]]


class Run(Struct, frozen=True):
    stage: str
    document_id: str
    generation: int
    key: str


class Workshop(Struct):
    """`happens` is done in a stage before it writes its result, `ends` after it; `runs` are all that began."""

    happens: dict[str, Happening] = field(default_factory=dict)
    ends: dict[str, Happening] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def stages(self) -> list[str]:
        """The stages that ran, in the order in which they began."""
        return [run.stage for run in self.runs]

    def clear(self) -> None:
        self.happens.clear()
        self.ends.clear()
        self.runs.clear()


WORKSHOP = Workshop()


async def work_on(stage: str, work: StageWork, name: str, content: bytes) -> str:
    """Keeps the content as the stage's result."""
    WORKSHOP.runs.append(Run(stage, work.origin.document_id, work.origin.generation, work.key))
    if stage in WORKSHOP.happens:
        await WORKSHOP.happens[stage](work)
    blob = await work.write(name, content)
    if stage in WORKSHOP.ends:
        await WORKSHOP.ends[stage](work)
    return blob
