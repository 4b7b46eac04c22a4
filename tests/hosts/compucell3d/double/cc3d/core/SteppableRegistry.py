"""Calls steppables in the order they were registered in."""

from __future__ import annotations

from cc3d.core.SteppablePy import SteppablePy


class SteppableRegistry(SteppablePy):
    def __init__(self):
        super().__init__()
        self.simulator = None
        self.steppableList = []
        self.runBeforeMCSSteppableList = []

    def allSteppables(self):
        yield from self.steppableList
        yield from self.runBeforeMCSSteppableList

    def registerSteppable(self, _steppable):
        before = getattr(_steppable, "runBeforeMCS", 0)
        (self.runBeforeMCSSteppableList if before else self.steppableList).append(_steppable)

    def core_init(self):
        for steppable in self.runBeforeMCSSteppableList + self.steppableList:
            steppable.simulator = self.simulator
            steppable.core_init()

    def init(self, _simulator):
        for steppable in self.runBeforeMCSSteppableList + self.steppableList:
            steppable.init(_simulator)

    def start(self):
        for steppable in self.runBeforeMCSSteppableList + self.steppableList:
            steppable.start()

    def stepRunBeforeMCSSteppables(self, _mcs):
        for steppable in self.runBeforeMCSSteppableList:
            if not _mcs % steppable.frequency:
                steppable.step(_mcs)

    def step(self, _mcs):
        for steppable in self.steppableList:
            if not _mcs % steppable.frequency:
                steppable.mcs = _mcs
                steppable.step(_mcs)

    def finish(self):
        for steppable in self.runBeforeMCSSteppableList + self.steppableList:
            steppable.finish()

    def on_stop(self):
        for steppable in self.runBeforeMCSSteppableList + self.steppableList:
            steppable.on_stop()
