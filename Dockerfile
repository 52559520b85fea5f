# The package for CPUs:                 docker build -t indievalue .
# The demo, into ./demo:                docker run --rm --user "$(id -u)" -v "$PWD:/data" indievalue demo --out demo
# With an extra, such as chat models:   docker build -t indievalue --build-arg EXTRAS=api .
FROM python:3.13-slim
ARG EXTRAS=""
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY tools/release_metadata.py tools/
COPY src src
RUN pip install --no-cache-dir --constraint constraints.txt ".${EXTRAS:+[$EXTRAS]}" \
    && install --directory --owner 1000 /data
USER 1000
ENV INDIEVALUE_CACHE=/data/.indievalue
WORKDIR /data
ENTRYPOINT ["indievalue"]
CMD ["--help"]
