FROM base
COPY dir /dst
COPY dir/ /dst2/
