FROM base
COPY ["with space.txt", "/json dst/"]
