"""A study's shards as Ray tasks: python ray_study.py PLAN.toml FOLDER SHARDS. Needs shiftlens-study on every machine's path."""

import subprocess
import sys

import ray


@ray.remote
def shard(plan, folder, index, count):
    """Runs one shard; gives its exit code and its last line."""
    command = ["shiftlens-study", "run", plan, "--shard", f"{index}/{count}", "--out", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = (done.stdout if done.returncode in (0, 2) else done.stderr).strip().splitlines()
    return done.returncode, lines[-1] if lines else ""


def main(plan, folder, count):
    """Runs all shards, then writes the tables."""
    ray.init()
    codes = []
    tasks = [shard.remote(plan, folder, index + 1, count) for index in range(count)]
    for index, (code, line) in enumerate(ray.get(tasks)):
        print(f"shard {index + 1} of {count}: {line}")
        codes.append(code)
    if 1 in codes:
        return 1
    return subprocess.run(["shiftlens-study", "merge", folder]).returncode


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
