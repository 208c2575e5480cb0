# The app and the command line, as an ordinary user. docker-compose.yml brings it up beside Neo4j.
FROM python:3.11.14-slim-bookworm

# numba keeps compiled code where the user may write. Within the container the app listens on all addresses, since only so can
# its port be published; docker-compose.yml publishes it on 127.0.0.1.
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    NUMBA_CACHE_DIR=/tmp/numba \
    HAKYU_CASE=/case \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501 \
    STREAMLIT_SERVER_HEADLESS=true

WORKDIR /app
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md streamlit_app.py ./
COPY .streamlit/ .streamlit/
COPY graphmodel/ graphmodel/
COPY loaders/ loaders/
COPY queries/ queries/
COPY reach/ reach/
COPY reports/ reports/
COPY hakyu/ hakyu/
COPY screens/ screens/
# A new volume takes over the owner of the folder it is mounted on: the user may write the case.
RUN pip install --no-deps --editable . \
    && useradd --uid 1000 --create-home hakyu \
    && install -d -o hakyu -g hakyu /case

USER hakyu
EXPOSE 8501
CMD ["streamlit", "run", "streamlit_app.py"]
