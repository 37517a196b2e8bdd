FROM base
COPY . /ctx
# ignore: *.txt|!a.txt|dir/t*|**/deep.md|modes
