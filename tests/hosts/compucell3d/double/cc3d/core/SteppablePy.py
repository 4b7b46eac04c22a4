"""What every steppable has."""


class SteppablePy:
    def __init__(self):
        self.runBeforeMCS = 0

    def core_init(self):
        pass

    def start(self):
        pass

    def step(self, mcs):
        pass

    def finish(self):
        pass

    def on_stop(self):
        pass

    def cleanup(self):
        pass
