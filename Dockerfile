# syntax=docker/dockerfile:1
# One image for the api, the worker and the migrations; the command decides.

FROM node:22-bookworm-slim AS scripts
WORKDIR /src
COPY dashboard/package.json dashboard/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY dashboard/scripts scripts
RUN npm run build

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
COPY --from=scripts /src/dist dashboard/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --bin api --bin worker \
    && mkdir /out \
    && for program in api worker; do \
         strip --strip-debug -o "/out/$program" "target/release/$program"; \
       done

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin creatorcrm
COPY --from=build /out/ /usr/local/bin/
USER 10001
WORKDIR /tmp
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3004 METRICS_PORT=9091
EXPOSE 3004 9091 9092
# Both programs drain on it: requests end, jobs finish or are given back.
STOPSIGNAL SIGTERM
CMD ["api", "serve"]
