"""docker-compose.yml and site.yml as one project of their own, with either Compose, on free ports.

Refuses to leave anything behind: containers, networks and volumes go when the project is left, and its logs are printed when it failed.
"""

import json
import os
import socket
import subprocess
import sys


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def output(*command, **options):
    """What a command prints; what it says besides is only of interest when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Project:
    def __init__(self, workers):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
        self.name = f"sluice-test-{os.getpid()}"
        self.workers = workers
        self.command = ["docker", "compose"] if plugin else ["docker-compose"]
        self.command += ["--project-name", self.name, "--env-file", "tests/docker/none.env", "--file", "docker-compose.yml", "--file", "tests/docker/site.yml"]
        self.command += ["--profile", "emulator"]
        web, emulator = free_port(), free_port()
        self.web = f"http://localhost:{web}"
        # Settings of whoever runs this must not leak into the test, nor a .env file (hence --env-file above).
        own = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE__")}
        self.environment = own | {
            "SLUICE_PUBLISH": f"127.0.0.1:{web}",
            "SLUICE__SERVER__PUBLIC_URL": self.web,
            "SLUICE_EMULATOR_PUBLISH": f"127.0.0.1:{emulator}",
            "SLUICE_EMULATOR_PUBLIC_URL": f"http://localhost:{emulator}",
        }

    def __call__(self, *arguments, **options):
        return output(*self.command, *arguments, env=self.environment, **options)

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        if failed:
            subprocess.run([*self.command, "ps"], env=self.environment)
            subprocess.run([*self.command, "logs", "--tail", "60"], env=self.environment)
        subprocess.run([*self.command, "down", "--volumes", "--timeout", "2"], env=self.environment, stderr=subprocess.DEVNULL)

    def up(self):
        if "SLUICE__EGRESS__ALLOW" not in self.environment:
            # The network first: what may be dialled in it is a setting of the proxy.
            self("up", "--detach", "--no-build", "site")
            network = json.loads(output("docker", "network", "inspect", f"{self.name}_outside"))
            self.environment["SLUICE__EGRESS__ALLOW"] = network[0]["IPAM"]["Config"][0]["Subnet"]
        self("up", "--detach", "--no-build", "--scale", f"worker={self.workers}")

    def stop(self):
        """Everything of Sluice; the site belongs to the world outside, which goes on."""
        self("stop", *(service for service in self("config", "--services").split() if service != "site"))

    def containers(self):
        """Every container of the project, as the engine describes it."""
        ids = output("docker", "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.name}").split()
        return {one["Name"].lstrip("/"): one for one in json.loads(output("docker", "inspect", *ids))}

    def workers_up(self):
        """The names of the worker containers that run."""
        labels = {name: one["Config"]["Labels"] for name, one in self.containers().items() if one["State"]["Running"]}
        return sorted(name for name, label in labels.items() if label["com.docker.compose.service"] == "worker")

    def address(self, service, network):
        """The address of a service's first container in one of the project's networks."""
        one = next(one for one in self.containers().values() if one["Config"]["Labels"]["com.docker.compose.service"] == service)
        return one["NetworkSettings"]["Networks"][f"{self.name}_{network}"]["IPAddress"]

    def kill(self, names):
        """From one moment to the next, with SIGKILL."""
        output("docker", "kill", *names)

    def inside(self, service, *command, **options):
        """What a command prints that runs in a container of the service."""
        return self("exec", "-T", service, *command, **options)


def say(text):
    print(f"\033[1m[docker]\033[0m {text}", file=sys.stderr)
