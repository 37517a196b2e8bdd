FROM base
ADD a.txt /added
ADD dir /added-dir/
