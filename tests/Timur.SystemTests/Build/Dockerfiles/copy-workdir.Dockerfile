FROM base
WORKDIR /w
COPY a.txt .
COPY a.txt c.txt
COPY dir ./d
