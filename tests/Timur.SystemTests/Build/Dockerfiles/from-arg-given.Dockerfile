ARG IMAGE=nothing
FROM $IMAGE
ARG IMAGE
RUN echo "image=[$IMAGE]" >/image
# args: --build-arg IMAGE=base
