FROM base
CMD ['echo', 'x']
