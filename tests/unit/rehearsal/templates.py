"""Templates to rehearse, as other tools write them."""

from __future__ import annotations

from functools import cache

from slipway.plan.assembly import Assembly, Stack
from slipway.plan.documents import parse
from slipway.rehearsal.faults import matrix
from slipway.rehearsal.report import Report, report
from slipway.rehearsal.template import declarations


def assembly(text: str, **parameters: str) -> Assembly:
    """One template as an assembly."""
    return Assembly("test", {"stack": Stack("stack", parse(text, "test"), parameters=parameters)})


@cache
def rehearsed(text: str) -> Report:
    """The whole matrix on a template."""
    return report(declarations(assembly(text)), matrix())


#: Two alarms as they stand in circulating guides, in a template with nothing else wrong.
GUIDES = """\
Parameters:
  Name: {Type: String, Default: churn}
Resources:
  Model:
    Type: AWS::SageMaker::Model
    Properties: {ExecutionRoleArn: "arn:aws:iam::111122223333:role/serving", PrimaryContainer: {Image: serving}}
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ProductionVariants:
        - VariantName: AllTraffic
          ModelName: !GetAtt Model.ModelName
          InstanceType: ml.m5.xlarge
          InitialInstanceCount: 4
          InitialVariantWeight: 1
  ErrorAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: !Sub "${Name}-model-errors"
      Namespace: AWS/SageMaker
      MetricName: ModelLatency
      Dimensions: &fleet
        - {Name: EndpointName, Value: !Ref Name}
        - {Name: VariantName, Value: AllTraffic}
      Statistic: Average
      Period: 60
      EvaluationPeriods: 2
      Threshold: 5000
      ComparisonOperator: GreaterThanThreshold
  LatencyAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: !Join ["-", [!Ref Name, latency]]
      AlarmDescription: The model takes more than 5 seconds
      Namespace: AWS/SageMaker
      MetricName: ModelLatency
      Dimensions: *fleet
      ExtendedStatistic: p99
      Period: 60
      EvaluationPeriods: 3
      Threshold: 5000
      ComparisonOperator: GreaterThanThreshold
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties:
      EndpointName: !Ref Name
      EndpointConfigName: !GetAtt Config.EndpointConfigName
      DeploymentConfig:
        BlueGreenUpdatePolicy:
          TrafficRoutingConfiguration:
            Type: CANARY
            CanarySize: {Type: CAPACITY_PERCENT, Value: 25}
            WaitIntervalInSeconds: 600
          TerminationWaitInSeconds: 300
        AutoRollbackConfiguration:
          Alarms:
            - AlarmName: !Ref ErrorAlarm
            - AlarmName: !Ref LatencyAlarm
"""
