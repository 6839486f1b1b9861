# The sidecar alone: no compiler, no package manager's cache, no root.
# scripts/dockerfile_steps.py runs these steps without a container engine, and a test does so.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements/runtime.txt requirements/demo.txt requirements/
RUN python3 -m venv /opt/build && /opt/build/bin/pip install --quiet --require-hashes -r requirements/demo.txt
RUN python3 -m venv /opt/agentgate && /opt/agentgate/bin/pip install --quiet --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE agentgate.py ./
COPY central central
COPY evidence evidence
COPY policy policy
COPY proxy proxy
RUN /opt/build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /opt/wheels .
RUN /opt/agentgate/bin/pip install --quiet --no-index --no-deps /opt/wheels/agentgate-*.whl
RUN /opt/agentgate/bin/pip uninstall --quiet --yes pip setuptools

FROM python:3.11-slim-bookworm
COPY --from=build /opt/agentgate /opt/agentgate
RUN install -d -o 65532 -g 65532 -m 0700 /var/lib/agentgate
ENV PATH=/opt/agentgate/bin:/usr/local/bin:/usr/bin:/bin XDG_STATE_HOME=/var/lib PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /var/lib/agentgate
ENTRYPOINT ["agentgate"]
CMD ["sidecar"]
