FROM node:22-bookworm AS web
WORKDIR /src
COPY web web
RUN python3 web/build.py

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /app
COPY requirements-run.lock .
RUN /app/bin/pip install --quiet --require-hashes -r requirements-run.lock
COPY . .
COPY --from=web /src/channels/web/static channels/web/static
COPY --from=web /src/channels/console/static channels/console/static
RUN /app/bin/python -m hatchling build -t wheel -d /dist
RUN /app/bin/pip install --quiet --no-deps /dist/*.whl

FROM python:3.13-slim
# The language model's client trusts the certificates of the system.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /data --create-home frontdesk
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    FRONTDESK_HOST=0.0.0.0 \
    FRONTDESK_DATA=/data
USER frontdesk
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", \
    "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ.get('FRONTDESK_PORT', '8080') + '/healthz', timeout=4)"]
CMD ["frontdesk", "serve"]
