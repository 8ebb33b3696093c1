"""Twenty links, eight workers, everything stopped in the middle, then two workers killed: all land, once each, with the right bytes."""

import argparse
import json
import random
import time
from collections import Counter
from pathlib import Path

from compose import Project, say
from person import Person, sign_in

HERE = Path(__file__).parent
PROBE = "import json,urllib.request as u; print(u.urlopen('http://127.0.0.1:8099/emulator/accounts', timeout=5).read().decode())"

# Dials each place on port 8000, or the one that it names, and prints what came of it.
DIAL = """
import json, socket, sys
def dial(place):
    host, _, port = place.partition(":")
    try:
        socket.create_connection((host, int(port or 8000)), timeout=3).close()
        return "open"
    except OSError as error:
        return str(error)
print(json.dumps({place: dial(place) for place in sys.argv[1:]}))
"""


def eventually(what, seconds, found):
    """The first truthy answer of `found`; an error after so many seconds."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.5)
    return answer


def healthy(project, wanted):
    """Are so many containers of the project up and healthy?"""
    states = [one["State"] for one in project.containers().values() if one["State"]["Status"] == "running"]
    return sum(state.get("Health", {}).get("Status") == "healthy" for state in states) == wanted


def hardened(project):
    """Nothing of ours runs as root, writes to its image, or may gain rights."""
    for name, one in project.containers().items():
        host = one["HostConfig"]
        assert one["Config"]["User"] not in ("", "root", "0"), f"{name} runs as root"
        assert host["ReadonlyRootfs"], f"{name} may write to its image"
        assert host["CapDrop"] == ["ALL"], f"{name} keeps capabilities"
        assert any("no-new-privileges" in option for option in host["SecurityOpt"]), f"{name} may gain rights"


def no_other_way_out(project):
    """From where the workers are nothing outside is reached, by name or address, on a socket of one's own; through the proxy it is."""
    site, gateway = project.address("site", "outside"), project.address("proxy", "outside")
    for service, wanted in (("proxy", {site: "open", "site": "open"}), ("worker", {}), ("web", {})):
        told = json.loads(project.inside(service, "python3", "-c", DIAL, site, "site", gateway, "192.0.2.1"))
        reached = {place: came for place, came in told.items() if came == "open" and place != gateway}
        assert reached == wanted, f"{service} reaches {reached}: {told}"
    # Its own side of the proxy, and no other.
    told = json.loads(project.inside("worker", "python3", "-c", DIAL, f"{gateway}:3128", "proxy:3128"))
    assert told["proxy:3128"] == "open" and told[f"{gateway}:3128"] != "open", told
    way = next(one for one in checks(project, "worker") if one["name"] == "way out")
    assert way["verdict"] == "good" and "http://proxy:3128 answers, and there" in way["found"], way


def checks(project, service):
    """What `sluice doctor` finds there; that it finds something broken is no matter."""
    return json.loads(project.inside(service, "sh", "-c", "sluice doctor --json || true"))


def connect(project):
    """Everybody who has a practice account, signed in, with an API token."""
    accounts = json.loads(project.inside("emulator", "python3", "-c", PROBE))["accounts"]
    people = {}
    for account in accounts:
        sign_in(project.web, account["account_id"])
        token = project.inside("web", "sluice", "token", "create", "--account", account["account_id"]).strip()
        people[account["name"]] = Person(project.web, token)
    return people


def send(people, count):
    """So many links, shared among the people; who sent which job where."""
    names = list(people)
    jobs = []
    for number in range(count):
        name, folder = names[number % len(names)], f"/Job {number + 1:02}"
        # A link of its own for each, so that none profits from another's extraction.
        jobs.append((name, people[name].send(f"http://site:8000/watch/sample?job={number + 1}", folder), folder))
    return jobs


def look(people, jobs):
    return [people[name].job(job) for name, job, _ in jobs]


def states(people, jobs):
    return Counter(job["state"] for job in look(people, jobs))


def check_landed(project, people, jobs):
    """Each job's file is in its folder, is what the job says, and nothing else is anywhere."""
    files = json.loads(project.inside("emulator", "python3", "-", stdin=open(HERE / "landed.py")))
    for (name, job, folder), record in zip(jobs, look(people, jobs)):
        assert record["state"] == "completed", record
        assert record["dropbox_path"].startswith(f"{folder}/"), record
        size, content_hash = files.pop(name + record["dropbox_path"])
        assert (size, content_hash) == (record["size"], record["content_hash"]), record
    assert not files, f"files that no job put there: {sorted(files)}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=20)
    arguments.add_argument("--workers", type=int, default=8)
    arguments.add_argument("--seed", type=int, default=random.randrange(10_000))
    wanted = arguments.parse_args()
    began = time.monotonic()

    def told(text):
        say(f"{time.monotonic() - began:4.0f} s  {text}")

    with Project(wanted.workers) as project:
        project.up()
        services = 5 + wanted.workers
        eventually("everything is healthy", 180, lambda: healthy(project, services))
        told(f"{services} containers are healthy")
        hardened(project)
        no_other_way_out(project)
        told("workers and the web server reach nothing outside but through the proxy")
        people = connect(project)
        jobs = send(people, wanted.jobs)
        told(f"{len(jobs)} links sent by {' and '.join(people)}")

        def in_the_middle():
            now = states(people, jobs)
            return now if now["completed"] >= 2 and now["running"] >= 2 else None

        told(f"stopping everything: {dict(eventually('work is under way', 300, in_the_middle))}")
        project.stop()
        codes = {name: one["State"]["ExitCode"] for name, one in project.containers().items()}
        killed = sorted(name for name, code in codes.items() if code == 137)
        assert not killed, f"did not stop by themselves: {killed}"
        told("all stopped by themselves; starting again")
        project.up()
        eventually("everything is healthy again", 180, lambda: healthy(project, services))
        told(f"healthy again: {dict(states(people, jobs))}")
        eventually("work goes on", 120, lambda: states(people, jobs)["running"] >= 2)
        victims = random.Random(wanted.seed).sample(project.workers_up(), 2)
        project.kill(victims)
        told(f"killed {' and '.join(victims)} (seed {wanted.seed}): {dict(states(people, jobs))}")
        over = {"completed", "failed", "cancelled", "refused"}
        eventually("every job is over", 600, lambda: over.issuperset(states(people, jobs)))
        told(f"over: {dict(states(people, jobs))}")
        check_landed(project, people, jobs)
        told(f"{len(jobs)} of {len(jobs)} landed, once each, size and content hash as told")
    print(f"{len(jobs)} passed, 0 failed")


if __name__ == "__main__":
    main()
