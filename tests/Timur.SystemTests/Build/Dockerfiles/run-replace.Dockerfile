FROM base
RUN echo f >/x; mkdir /y; ln -s /y /z
RUN rm /x; mkdir /x; echo in >/x/in; rmdir /y; echo file >/y; rm /z; echo nolink >/z
