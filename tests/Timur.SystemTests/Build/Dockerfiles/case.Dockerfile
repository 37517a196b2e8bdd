from base as Up
run echo 1 >/v
env a=1
CoPy a.txt /
