# syntax=docker/dockerfile:1
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY migrations migrations
COPY stylesearch stylesearch
COPY workers workers
COPY web web
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
# An index of torch builds to prefer, such as PyTorch's own of CPU-only ones; empty: the default index.
ARG TORCH_INDEX=""

# Drawings hold text, and text needs a font.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fontconfig-config fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*

RUN pip install --no-cache-dir torch torchvision ${TORCH_INDEX:+--index-url "$TORCH_INDEX"}
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir "$(echo /wheels/stylesearch-*.whl)[oidc]" && rm -rf /wheels

RUN useradd --system --uid 10001 --no-create-home --home-dir /var/lib/stylesearch --shell /usr/sbin/nologin stylesearch \
    && install --directory --owner=stylesearch --group=stylesearch --mode=0750 /var/lib/stylesearch
ENV STYLESEARCH_HOME=/var/lib/stylesearch \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER stylesearch
WORKDIR /var/lib/stylesearch
EXPOSE 8080
CMD ["stylesearch", "serve", "--host", "0.0.0.0"]
