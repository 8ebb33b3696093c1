# One image for every process of Sluice: the web server, the workers, the command line, the practice Dropbox.
# Ordinary instructions only: the classic builder (docker-compose 1.29) builds it as BuildKit does.

# What the dependencies' layer depends on: the manifests, and an empty file for every target that they imply.
FROM rust:1.95-slim-bookworm AS manifests
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY tests tests
RUN find crates tests -type f ! -name Cargo.toml ! -name main.rs ! -name lib.rs ! -path '*/src/bin/*.rs' ! -path '*/benches/*.rs' -delete \
 && find crates tests -name '*.rs' | while read -r file; do echo '#![allow(warnings)] fn main() {}' > "$file"; done \
 && find crates tests -type d -empty -delete

FROM rust:1.95-slim-bookworm AS build
# `ci` compiles in a third of the time; see the profiles in Cargo.toml.
ARG PROFILE=release
ENV PACKAGES="-p sluice-cli -p sluice-web -p sluice-worker -p sluice-dropbox-emulator"
WORKDIR /src
COPY --from=manifests /src .
RUN cargo build --locked --profile "$PROFILE" $PACKAGES
COPY config config
COPY migrations migrations
COPY crates crates
# Cargo goes by the time of change, and a checkout may be older than the layer above.
RUN find crates -name '*.rs' -exec touch {} + \
 && cargo build --locked --profile "$PROFILE" $PACKAGES \
 && mkdir /out \
 && for name in sluice sluice-web sluice-worker dropbox-emulator; do cp "target/$PROFILE/$name" /out/; done

FROM debian:bookworm-slim AS yt-dlp
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3-venv
COPY config/container/requirements.txt /
RUN python3 -m venv /opt/yt-dlp \
 && /opt/yt-dlp/bin/pip install --no-cache-dir --require-hashes --requirement /requirements.txt \
 && /opt/yt-dlp/bin/pip uninstall --yes setuptools pip

FROM debian:bookworm-slim
# Debian's ffmpeg comes with graphics drivers, a fifth of the image, that it loads only to show a picture on a screen.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates ffmpeg python3 tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/lib/*/dri /usr/lib/*/libLLVM-* /usr/lib/*/libz3.so* \
 && ffmpeg -version > /dev/null && ffprobe -version > /dev/null
# The folders are owned before they are volumes, so that new volumes are, too.
RUN useradd --uid 10001 --user-group --home-dir /tmp --no-create-home --shell /usr/sbin/nologin sluice \
 && install --directory --owner sluice --group sluice --mode 700 /var/lib/sluice/emulator /var/lib/sluice/secret /var/lib/sluice/spool
COPY --from=yt-dlp /opt/yt-dlp /opt/yt-dlp
COPY --from=build /out/ /usr/local/bin/
COPY config/container/entrypoint config/container/make-secret-key config/container/probe /usr/local/bin/
ENV PATH=/opt/yt-dlp/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    SLUICE__WORKER__SPOOL_DIR=/var/lib/sluice/spool
USER sluice
WORKDIR /var/lib/sluice
EXPOSE 8080
ENTRYPOINT ["tini", "--", "entrypoint"]
CMD ["sluice", "--help"]
