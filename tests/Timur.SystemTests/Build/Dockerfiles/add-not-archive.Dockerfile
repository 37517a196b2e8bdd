FROM base
ADD plain.gz /p/
COPY files.tar /c/
