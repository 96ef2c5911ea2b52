# The image: both programs, the shared libraries that they need, and nothing else: no shell, no package manager. Any builder takes it (no BuildKit
# needed). `make image` builds it and, where no registry can be reached, makes the base by its name from Debian's packages.
ARG BASE=debian:bookworm-slim
FROM ${BASE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc make pkg-config libc6-dev musl-tools libcurl4-openssl-dev libjansson-dev \
    libmicrohttpd-dev libssl-dev ca-certificates && rm -rf /var/lib/apt/lists/*
COPY Makefile /src/
COPY agent /src/agent
COPY include /src/include
COPY tests/tools/image-root /src/tests/tools/image-root
RUN make -C /src all && /src/tests/tools/image-root /src/build/release /image

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="etcd-usher" \
      org.opencontainers.image.description="Joins, promotes and removes etcd members beside their pods" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image/ /
USER 65532:65532
EXPOSE 2383
ENTRYPOINT ["/usr/local/bin/etcd-usher"]
