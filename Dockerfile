# syntax=docker/dockerfile:1
# The server in a container: built in one image, run in another without a compiler and not as root.
# UNVERIFIED: written without a container engine at hand; its steps are those of scripts/setup, which are tested.
#
#   docker build -t vivavoce .                           models are fetched at the first start, into the volume
#   docker build -t vivavoce --build-arg MODELS=image .  models are in the image (1.4 GB more), nothing is fetched later
#
# It wants DATABASE_URL of a Postgres with pgvector (see docker-compose.yml); the own cluster is for machines, not for containers.
ARG MODELS=start

FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential cmake clang libclang-dev pkg-config nodejs npm \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Our own crate at level 2, too: it lies on the way of each frame, and an image is built once.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    --mount=type=cache,target=/var/cache/npm,sharing=locked \
    npm_config_cache=/var/cache/npm CARGO_PROFILE_RELEASE_OPT_LEVEL=2 cargo build --release --locked && cp target/release/vivavoce /usr/local/bin/vivavoce

# What the program runs with. python3 and pip are there for scripts/fetch.py, curl for the health check.
FROM debian:bookworm-slim AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl espeak-ng libstdc++6 poppler-utils python3 python3-pip \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/vivavoce --create-home vivavoce
COPY config/downloads.toml /opt/vivavoce/config/downloads.toml
COPY scripts/fetch.py scripts/fetch_report.py scripts/fetch_sources.py scripts/container /opt/vivavoce/scripts/
# Postgres comes by DATABASE_URL, so its binaries are left out.
ENV VIVAVOCE_HOME=/var/lib/vivavoce VIVAVOCE_SKIP=postgres

FROM runtime AS models-start

FROM runtime AS fetched
RUN apt-get update && apt-get install -y --no-install-recommends npm && rm -rf /var/lib/apt/lists/*
RUN VIVAVOCE_HOME=/opt/vivavoce python3 /opt/vivavoce/scripts/fetch.py

FROM runtime AS models-image
COPY --from=fetched --chown=vivavoce:vivavoce /opt/vivavoce/cache /opt/vivavoce/cache
# The speech model's optimised form is written beside it, hence the owner.
ENV VIVAVOCE_MODELS_DIR=/opt/vivavoce/cache/models \
    VIVAVOCE_ORT_LIB=/opt/vivavoce/cache/onnxruntime/libonnxruntime.so.1.31.1

FROM models-${MODELS} AS final
COPY --from=build /usr/local/bin/vivavoce /usr/local/bin/vivavoce
USER vivavoce
WORKDIR /var/lib/vivavoce
VOLUME /var/lib/vivavoce
EXPOSE 8080/tcp 40000-40100/udp
# A first start fetches the models before it answers, hence the long start period.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15m --retries=3 \
    CMD curl --noproxy '*' -fsS -o /dev/null http://127.0.0.1:8080/healthz || exit 1
ENTRYPOINT ["/opt/vivavoce/scripts/container"]
CMD ["serve", "--listen", "0.0.0.0:8080"]
