FROM base
WORKDIR /w/x
COPY ./dir/../dir/sub/ ../y/
COPY a.txt .
