# The image of leadergate: the wheel and its locked dependencies on a base that has Python. It needs no shell to run.
# docs/image.md tells how to build it, with which engine that was done, and what was found.

# RUN_BASE must have the minor version of Python that BUILD_BASE has (the build stops where it has not), at RUN_PYTHON.
# This one has a shell and pip, too. For an image without, name Google's distroless/python3-debian13:nonroot, from where it
# is published, with RUN_PYTHON=/usr/bin/python3.
ARG BUILD_BASE=python:3.13-slim-trixie
ARG RUN_BASE=python:3.13-slim-trixie

FROM ${RUN_BASE} AS run-base

FROM ${BUILD_BASE} AS build
ARG UV_VERSION=0.13.9
ARG RUN_PYTHON=/usr/local/bin/python3
# Where a company's proxy has a certificate authority of its own, secret `ca-certificates` is the bundle to trust.
# Secrets `pip.conf` and `uv.toml` name the package index to use, with its credentials. None of them stays in a layer.
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/leadergate
RUN --mount=type=secret,id=ca-certificates,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m venv /uv && /uv/bin/python -m pip install --quiet "uv==${UV_VERSION}"

WORKDIR /src
COPY pyproject.toml uv.lock ./
RUN --mount=type=secret,id=ca-certificates,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=uv.toml,target=/etc/uv/uv.toml \
    /uv/bin/uv sync --frozen --no-dev --extra otlp --no-editable --no-install-project --python "$(command -v python3)"

COPY README.md LICENSE ./
COPY webhook webhook
COPY operator operator
COPY certs certs
ARG SOURCE_DATE_EPOCH=0
# What builds the wheel runs here and could put anything into it, so it comes from the lock file too.
RUN --mount=type=secret,id=ca-certificates,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=uv.toml,target=/etc/uv/uv.toml \
    /uv/bin/uv export --quiet --frozen --only-group test --output-file /build.txt && \
    /uv/bin/uv build --quiet --wheel --python "$(command -v python3)" --build-constraints /build.txt --require-hashes \
      --out-dir /dist && \
    /uv/bin/uv pip install --quiet --python /opt/leadergate --offline --no-deps /dist/*.whl

# The environment was made with the Python of this stage and runs on that of RUN_BASE. Bytecode stands in a tree of its
# own, that of the standard library too: nothing could be written at run time, and some bases bring none. Hashes in
# place of times make it the same in each build. The standard library's is compared with its source, in case the base is
# exchanged beneath it; ours never changes.
RUN --mount=type=bind,from=run-base,target=/run-base set -eu; \
    cd /opt/leadergate; \
    version="$(bin/python -c 'import sys; print("python%d.%d" % sys.version_info[:2])')"; \
    home="$(dirname "${RUN_PYTHON}")"; library="$(dirname "${home}")/lib/${version}"; \
    if [ ! -e "/run-base${library}/os.py" ]; then \
      echo "RUN_BASE has no ${library}, but BUILD_BASE has ${version}: name bases of one minor version of Python," \
        "and in RUN_PYTHON where that of RUN_BASE is (${RUN_PYTHON})" >&2; exit 1; \
    fi; \
    find bin -type f ! -name 'leadergate*' -delete; \
    find lib -name uv_cache.json -delete -printf '%h/RECORD\n' | xargs -r sed -i '/uv_cache.json/d'; \
    rm -f .lock .gitignore CACHEDIR.TAG; \
    mkdir /bytecode; export PYTHONPYCACHEPREFIX=/bytecode PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0; \
    bin/python -m compileall -q --invalidation-mode unchecked-hash lib; \
    bin/python -m compileall -q --invalidation-mode checked-hash -s /run-base -x '/(test|idlelib|lib2to3|ensurepip)/' \
      "/run-base${library}"; \
    mkdir -p "bytecode$(dirname "${library}")" bytecode/opt/leadergate; \
    mv "/bytecode/run-base${library}" "bytecode${library}"; \
    mv /bytecode/opt/leadergate/lib bytecode/opt/leadergate/lib; \
    ln -sf "${RUN_PYTHON}" bin/python; \
    sed -i "s|^home = .*|home = ${home}|" pyvenv.cfg; \
    chmod -R a+rX,go-w .; \
    find . -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

FROM ${RUN_BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="leadergate" \
      org.opencontainers.image.description="A Kubernetes admission webhook that lets only the holder of a Lease write status" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /opt/leadergate /opt/leadergate
ENV PATH=/opt/leadergate/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPYCACHEPREFIX=/opt/leadergate/bytecode
WORKDIR /
# By number, so that the kubelet can tell that it is not root (runAsNonRoot).
USER 65532:65532
# Neither HEALTHCHECK nor EXPOSE: Kubernetes asks /livez and /readyz by itself, and the Deployment names the ports.
ENTRYPOINT ["leadergate"]
