FROM base
COPY . /ctx
# ignore: *|!dir|dir/one|!nested/deep
