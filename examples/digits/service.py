#!/usr/bin/python3
"""service.py v1|v2 PORT - the digits model as a service, in two versions

v1 is a logistic regression, as it runs in production; v2 is a random forest
that wants to take its place. Both learn from the same 1,257 images when they
start, which takes about a second, and from fixed seeds, so each version answers the
same in every run. The route and its JSON are those of KServe's V1 protocol:

    POST /v1/models/digits:predict   {"instances": [[64 numbers], ...]}
                                  -> {"predictions": [[10 probabilities], ...]}
"""
import sys

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import images

VERSIONS = {
    "v1": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "v2": lambda: RandomForestClassifier(n_estimators=100, random_state=0),
}


class Predict(BaseModel):
    instances: list[list[float]]


def application(version):
    model = VERSIONS[version]()
    model.fit(*images.to_learn())
    app = FastAPI()

    @app.get("/v1/models/digits")
    def ready():
        return {"name": "digits", "ready": True}

    @app.post("/v1/models/digits:predict")
    def predict(call: Predict):
        if not call.instances or any(len(row) != images.PIXELS for row in call.instances):
            raise HTTPException(400, f"instances must be rows of {images.PIXELS} numbers")
        return {"predictions": model.predict_proba(call.instances).tolist()}

    return app


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="warning",
                timeout_keep_alive=30)
