# ignore: **/*.md|nested/*.txt
FROM base
COPY nested /n/
