"""Graphs: ONNX in, ONNX out."""
