# The tests' media site on top of the product's image, which has the ffmpeg that it needs. Never part of the product.
ARG BUILD=sluice-build
ARG IMAGE=sluice

FROM ${BUILD} AS build
ARG PROFILE=release
COPY tests tests
RUN find tests -name '*.rs' -exec touch {} + \
 && cargo build --locked --profile "$PROFILE" -p e2e --bin media-site \
 && cp "target/$PROFILE/media-site" /out/

FROM ${IMAGE}
COPY --from=build /out/media-site /usr/local/bin/
