ARG IMAGE=base
FROM ${IMAGE}
RUN echo "image=[$IMAGE]" >/image
