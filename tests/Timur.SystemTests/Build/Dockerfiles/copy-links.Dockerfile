FROM base
COPY links /links
COPY links/to-file /followed
COPY links/to-dir /followed-dir
