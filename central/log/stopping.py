"""Why a sequencer ends.

LogStopped        the log cannot go on without a person: what is here contradicts itself, or a witness
OtherContent      a file of the log would get other bytes than it has
WouldShrink       a smaller tree would take the place of a larger one
HeldElsewhere     another process holds the folder
Overtaken         another sequencer has taken over: this one has nothing more to say
WitnessesAway     too few witnesses answer a start: it is tried again
"""


class LogStopped(Exception):
    """The log does not go on until somebody has looked at it; the text says what was met, and what to do."""


class OtherContent(LogStopped):
    """A file that never changes would have to: two trees have been made under one name."""


class WouldShrink(LogStopped):
    """A checkpoint of a smaller tree would take the place of a larger one."""


class HeldElsewhere(Exception):
    """Another process of this machine writes to the folder of the log."""


class Overtaken(Exception):
    """Another sequencer has moved the tree, or has taken over. Nothing was changed."""


class WitnessesAway(Exception):
    """So few witnesses answer that others may know a larger tree. Nothing was signed but the question to them."""
