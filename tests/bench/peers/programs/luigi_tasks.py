"""Luigi's tasks. Each runs `true`, and writes when that started and ended into its output."""

import os
import subprocess
import time
from pathlib import Path

import luigi

MARKS = Path(os.environ["MARKS"])


class Timed(luigi.Task):
    name = luigi.Parameter()

    def output(self):
        return luigi.LocalTarget(str(MARKS / self.task_id))

    def run(self):
        start = time.time()
        subprocess.run(["bash", "-c", "true"], check=True)
        with self.output().open("w") as mark:
            mark.write(f"{start} {time.time()}")


class Chain(Timed):
    length = luigi.IntParameter()

    def requires(self):
        return [Chain(name=self.name, length=self.length - 1)] if self.length > 1 else []


class Middle(Timed):
    number = luigi.IntParameter()

    def requires(self):
        return [Chain(name=self.name, length=1)]


class Join(Timed):
    width = luigi.IntParameter()

    def requires(self):
        return [Middle(name=self.name, number=number) for number in range(self.width)]


class Many(luigi.WrapperTask):
    name = luigi.Parameter()
    count = luigi.IntParameter()
    length = luigi.IntParameter()

    def requires(self):
        return [Chain(name=f"{self.name}-{n}", length=self.length) for n in range(self.count)]
