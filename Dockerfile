# A static binary, alone in an image: no shell, no package manager, no root.
#
#   docker build -t wedatasync .
#   docker run --read-only --cap-drop ALL -v wedatasync:/var/lib/wedatasync wedatasync run --source https://git.example.com/tasks.git
#
# There is no HEALTHCHECK, for there is nothing to run it with: the orchestrator asks
# /healthz.
FROM --platform=$BUILDPLATFORM golang:1.26.8@sha256:3c3e25a4da13fd0478eed2df1eb35a0e667094a7124d3993a6a1d30f71c17e79 AS build
# The compiler is that of the toolchain line in go.mod, checked by the checksum database.
ENV GOTOOLCHAIN=auto
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
# With .git: the binary knows which revision it was built from.
COPY . .
ARG TARGETOS
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w" -o /out/wedatasync ./cmd/wedatasync \
    && mkdir -p /out/var/lib/wedatasync

FROM scratch
LABEL org.opencontainers.image.title="wedatasync" \
      org.opencontainers.image.description="Release Tencent WeData integration tasks by pull request" \
      org.opencontainers.image.source="https://github.com/wedatasync/wedatasync" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/wedatasync /usr/local/bin/wedatasync
# The state, and the mirror of the repository beside it, are the only things written.
COPY --from=build --chown=65532:65532 /out/var/lib/wedatasync /var/lib/wedatasync
USER 65532:65532
WORKDIR /var/lib/wedatasync
ENV TMPDIR=/var/lib/wedatasync
VOLUME /var/lib/wedatasync
ENTRYPOINT ["/usr/local/bin/wedatasync"]
CMD ["run"]
