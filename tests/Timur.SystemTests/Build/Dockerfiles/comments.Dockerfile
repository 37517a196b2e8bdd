# first

FROM base
  # indented comment
RUN echo "#not a comment" >/v   
#end
