# ignore: *.txt|!a.txt|dir|!dir/sub|dir/sub/three
FROM base
COPY . /all/
