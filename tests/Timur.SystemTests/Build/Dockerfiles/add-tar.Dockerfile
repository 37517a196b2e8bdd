FROM base
ADD files.tar /t/
ADD files.tar.gz /tgz/
