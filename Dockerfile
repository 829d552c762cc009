# Two stages: the first has the tools and the lock files, the second only what runs.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never
RUN pip install "uv>=0.8,<1"
WORKDIR /build
# The packages first: this layer changes only with the lock file.
COPY requirements-runtime.lock ./
RUN uv venv --python /usr/local/bin/python /opt/gridward \
 && uv pip sync --python /opt/gridward/bin/python --require-hashes requirements-runtime.lock
# The project itself, built with the locked versions of its build tools.
COPY pyproject.toml README.md requirements.lock ./
COPY geo geo
COPY migrations migrations
COPY service service
RUN uv build --wheel --build-constraints requirements.lock --require-hashes --out-dir /dist \
 && uv pip install --python /opt/gridward/bin/python --no-deps /dist/*.whl \
 && /opt/gridward/bin/python -m compileall -q /opt/gridward/lib

FROM python:3.11-slim-bookworm AS service
# A fixed number, so that a volume's owner is the same on every host.
RUN groupadd --gid 10001 gridward \
 && useradd --uid 10001 --gid 10001 --home-dir /app --no-create-home --shell /usr/sbin/nologin gridward \
 && install -d -o gridward -g gridward -m 0750 /app /var/lib/gridward /var/lib/gridward/attachments
COPY --from=build /opt/gridward /opt/gridward
ENV PATH=/opt/gridward/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GRIDWARD_STORAGE_URL=/var/lib/gridward/attachments
# DATABASE_URL, GRIDWARD_SIGNING_KEY and GRIDWARD_FIELD_KEYS come from outside.
WORKDIR /app
USER 10001:10001
EXPOSE 8000
VOLUME ["/var/lib/gridward/attachments"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["gridward", "serve", "--host", "0.0.0.0", "--port", "8000"]
