FROM base
COPY a.txt /linked/
COPY dir /linked/sub
