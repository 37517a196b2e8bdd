FROM base
RUN ["/bin/sh","-c","echo json $0 > /v", "arg0"]
