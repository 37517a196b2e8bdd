FROM base
RUN mkdir /d && touch /d/a /d/b && chmod 700 /d
RUN rm /d/a && mv /d/b /d/c
