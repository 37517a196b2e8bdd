FROM base
ADD a.txt files.tar dir /into/
