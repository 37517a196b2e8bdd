FROM base
COPY a.txt /
COPY a.txt /b.txt
COPY a.txt /new/dir/
COPY a.txt /etc
